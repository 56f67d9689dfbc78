#include "serve/ros2/picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/base/error.h"

namespace understudy {
namespace {

// What of a line of pixels one pixel of the other line covers.
struct Cover {
  int64_t first = 0;
  std::vector<float> weights;  // sum 1
};

std::vector<Cover> CoversOf(int64_t from, int to) {
  std::vector<Cover> covers(static_cast<size_t>(to));
  const double size = static_cast<double>(from) / to;
  for (int i = 0; i < to; ++i) {
    const double low = i * size, high = (i + 1) * size;
    Cover& cover = covers[static_cast<size_t>(i)];
    cover.first = static_cast<int64_t>(low);
    for (int64_t p = cover.first; p < from && static_cast<double>(p) < high - 1e-9; ++p) {
      const auto place = static_cast<double>(p);
      const double part = std::min(high, place + 1) - std::max(low, place);
      cover.weights.push_back(static_cast<float>(part / size));
    }
  }
  return covers;
}

}  // namespace

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
  const std::vector<Cover> across = CoversOf(picture.width, image->width);
  const std::vector<Cover> down = CoversOf(picture.height, image->height);
  const size_t swap = picture.encoding == "bgr8" ? 2 : 0;
  const auto row_size = static_cast<size_t>(3 * picture.width);
  std::vector<float> row(row_size);
  uint8_t* out = image->rgb.data();
  for (const Cover& rows : down) {
    // rows first, in the order of memory
    std::ranges::fill(row, 0.f);
    for (size_t r = 0; r < rows.weights.size(); ++r) {
      const int64_t line = rows.first + static_cast<int64_t>(r);
      const uint8_t* bytes = picture.data.data() + line * picture.step;
      for (size_t i = 0; i < row_size; ++i)
        row[i] += rows.weights[r] * static_cast<float>(bytes[i]);
    }
    for (const Cover& columns : across) {
      for (size_t channel = 0; channel < 3; ++channel) {
        const size_t theirs = swap == 0 ? channel : swap - channel;
        size_t place = 3 * static_cast<size_t>(columns.first) + theirs;
        float sum = 0;
        for (const float weight : columns.weights) {
          sum += weight * row[place];
          place += 3;
        }
        *out++ = static_cast<uint8_t>(std::lround(std::clamp(sum, 0.f, 255.f)));
      }
    }
  }
}

}  // namespace understudy
