#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "core/image/image.h"

namespace understudy {

// What a message of sensor_msgs/msg/Image holds.
struct RawPicture {
  int64_t width = 0, height = 0, step = 0;  // px, px, bytes from row to row
  std::string encoding;                     // "rgb8" or "bgr8"
  std::span<const uint8_t> data;
};

// Throws Error(kFailed) in one sentence that begins with `place` where the picture is not
// `width` x `height` px of rgb8 or bgr8, or its rows are not all there.
void CheckPicture(const RawPicture& picture, int width, int height, const std::string& place);

// A picture that was checked, at the size of `image`: each pixel is the mean of what it covers.
void ScalePicture(const RawPicture& picture, Image* image);

}  // namespace understudy
