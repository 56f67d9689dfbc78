#pragma once

#include <cstdint>
#include <vector>

namespace understudy {

// Longest side of a picture in px. A file's word for its size is good for 201 MB at most.
inline constexpr int kMaxImageSide = 8192;

// 8-bit RGB, rows from the top, HWC.
struct Image {
  int width = 0, height = 0;
  std::vector<uint8_t> rgb;

  Image() = default;
  Image(int w, int h) : width(w), height(h), rgb(static_cast<size_t>(w) * h * 3) {}
  bool operator==(const Image&) const = default;
};

}  // namespace understudy
