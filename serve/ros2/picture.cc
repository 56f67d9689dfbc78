#include "serve/ros2/picture.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "core/base/error.h"
#include "core/image/resize.h"

namespace understudy {
void CheckPicture(const RawPicture& picture, int width, int height, const std::string& place) {
  if (picture.width != width || picture.height != height) {
    ThrowFailed(fmt::format("{}: a picture of {} x {} px; the file says {} x {}", place,
                            picture.width, picture.height, width, height));
  }
  if (picture.encoding != "rgb8" && picture.encoding != "bgr8") {
    ThrowFailed(
        fmt::format("{}: a picture in '{}'; rgb8 and bgr8 are known", place, picture.encoding));
  }
  const auto bytes = static_cast<int64_t>(picture.data.size());
  if (picture.step < 3 * picture.width || bytes < picture.step * picture.height) {
    ThrowFailed(fmt::format("{}: a picture of {} x {} px in {} bytes, {} for each row", place,
                            picture.width, picture.height, bytes, picture.step));
  }
}

void ScalePicture(const RawPicture& picture, Image* image) {
  // rows without padding, in the order red, green, blue
  const auto row_bytes = static_cast<size_t>(3 * picture.width);
  std::vector<uint8_t> rgb;
  rgb.reserve(row_bytes * static_cast<size_t>(picture.height));
  for (int64_t line = 0; line < picture.height; ++line) {
    const auto row = picture.data.subspan(static_cast<size_t>(line * picture.step), row_bytes);
    rgb.insert(rgb.end(), row.begin(), row.end());
  }
  if (picture.encoding == "bgr8") {
    for (size_t i = 0; i < rgb.size(); i += 3) std::swap(rgb[i], rgb[i + 2]);
  }
  ResizeImage(rgb.data(), static_cast<int>(picture.height), static_cast<int>(picture.width),
              image->rgb.data(), image->height, image->width);
}

}  // namespace understudy
