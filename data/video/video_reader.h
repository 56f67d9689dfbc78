#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

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
  int bits() const;  // per colour of a pixel in the film; of more than 8 Read gives the upper ones
  int64_t next() const;  // the picture that is cheapest to read

  // Width and height, without counting frames. Throws as the constructor does.
  static std::pair<int, int> SizeOf(const std::filesystem::path& file);

  // Throws Error(kBadInput) naming the first frame k that is shown more than `tolerance_s`, and
  // more than a quarter of a frame, away from k / fps; `advice` ends the message, with {:.2} in it
  // replaced by the tolerance that would do. Films whose frames have no times pass.
  void RequireTimes(double fps, double tolerance_s, const std::string& advice) const;

  // When each frame is shown, s, in the order of display, the first at 0; empty where the film does
  // not say it of all.
  std::vector<double> Times() const;

  // Picture `number`, counted from 0 in the order of display. Cheap in order; elsewhere what lies
  // behind the last key frame before it is decoded. Throws Error(kBadInput) naming file and frame.
  // Requires number < frames().
  const Image& Read(int64_t number);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace understudy
