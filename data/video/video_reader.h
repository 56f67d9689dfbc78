#pragma once

#include <filesystem>
#include <memory>

#include "core/image/image.h"

namespace understudy {

// Reads the pictures of an MP4 film one by one, as 8-bit RGB. A film is somebody's input: only MP4
// is opened, only the file itself, sizes are checked before memory is taken, and a picture that
// does not decode cleanly is an error. One thread.
class VideoReader {
 public:
  // Counts the frames without decoding them. Picture k must be shown at k / fps, to within a
  // quarter of a frame (0: not checked). Throws Error(kBadInput) naming the file: missing, no MP4,
  // truncated, no pictures, pictures of more than kMaxImageSide, a codec that libav cannot decode.
  explicit VideoReader(const std::filesystem::path& file, double fps = 0);
  ~VideoReader();
  VideoReader(VideoReader&&) noexcept;
  VideoReader& operator=(VideoReader&&) noexcept;

  const std::filesystem::path& file() const;
  int width() const;
  int height() const;
  int64_t frames() const;

  // Picture `number`, counted from 0 in the order of display. Cheap in order; skipping forward
  // decodes what lies between, going back starts over. Throws Error(kBadInput) naming file and
  // frame. Requires number < frames().
  const Image& Read(int64_t number);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace understudy
