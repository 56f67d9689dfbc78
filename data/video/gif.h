#pragma once

#include <filesystem>
#include <string>

namespace understudy {

// An animated GIF, whole.
struct Gif {
  int width = 0, height = 0;  // px
  std::string bytes;
};

// The film as a GIF that repeats, for viewers that show pictures alone: frames of the film at
// equal distances, `most_fps` a second at most, in 256 colours. Throws as VideoReader does, and
// Error(kFailed) where libav makes no GIF.
Gif GifOf(const std::filesystem::path& film, double most_fps = 10);

}  // namespace understudy
