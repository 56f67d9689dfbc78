#include "train/samples/image_ops.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "core/base/error.h"

namespace understudy {

void ShiftImage(const uint8_t* in, int height, int width, int dx, int dy, uint8_t* out) {
  Require(in != out && std::abs(dx) < width && std::abs(dy) < height, "a shift inside the image");
  // of each row a middle run is copied whole; the edges repeat one pixel
  const int first = std::max(0, -dx), last = std::min(width, width - dx);
  for (int y = 0; y < height; ++y) {
    const uint8_t* row = in + static_cast<size_t>(std::clamp(y + dy, 0, height - 1)) * width * 3;
    uint8_t* target = out + static_cast<size_t>(y) * width * 3;
    for (int x = 0; x < first; ++x) std::memcpy(target + 3 * x, row, 3);
    std::memcpy(target + 3 * first, row + 3 * (first + dx), static_cast<size_t>(last - first) * 3);
    for (int x = last; x < width; ++x) std::memcpy(target + 3 * x, row + 3 * (width - 1), 3);
  }
}

namespace {

// The pixels of one side that an output pixel covers, and their shares.
struct Cover {
  int first = 0;
  std::vector<double> shares;  // sum 1
};
std::vector<Cover> CoversOf(int size, int out_size) {
  std::vector<Cover> covers(static_cast<size_t>(out_size));
  const double scale = static_cast<double>(size) / out_size;
  for (int i = 0; i < out_size; ++i) {
    const double begin = i * scale, end = (i + 1) * scale;
    Cover& cover = covers[static_cast<size_t>(i)];
    cover.first = static_cast<int>(begin);
    const int last = std::min(size, static_cast<int>(std::ceil(end - 1e-9)));
    for (int k = cover.first; k < last; ++k) {
      cover.shares.push_back((std::min(end, k + 1.0) - std::max(begin, static_cast<double>(k))) /
                             scale);
    }
  }
  return covers;
}

}  // namespace

void ResizeImage(const uint8_t* in, int height, int width, uint8_t* out, int out_height,
                 int out_width) {
  Require(in != out && height > 0 && width > 0 && out_height > 0 && out_width > 0,
          "two pictures that are not empty");
  const std::vector<Cover> rows = CoversOf(height, out_height),
                           columns = CoversOf(width, out_width);
  for (const Cover& row : rows) {
    for (const Cover& column : columns) {
      std::array<double, 3> sum{};
      for (size_t r = 0; r < row.shares.size(); ++r) {
        const uint8_t* pixel =
            in + 3 * ((static_cast<size_t>(row.first) + r) * static_cast<size_t>(width) +
                      static_cast<size_t>(column.first));
        for (const double share : column.shares) {
          for (double& channel : sum) channel += row.shares[r] * share * *pixel++;
        }
      }
      for (const double channel : sum) {
        *out++ = static_cast<uint8_t>(std::clamp(std::nearbyint(channel), 0.0, 255.0));
      }
    }
  }
}

void AdjustImage(uint8_t* rgb, int height, int width, double brightness, double contrast) {
  std::array<uint8_t, 256> table;
  for (int value = 0; value < 256; ++value) {
    const double moved = contrast * (value - 127.5) + 127.5 + 255 * brightness;
    table[static_cast<size_t>(value)] =
        static_cast<uint8_t>(std::clamp(std::nearbyint(moved), 0.0, 255.0));
  }
  const size_t bytes = static_cast<size_t>(height) * width * 3;
  for (size_t i = 0; i < bytes; ++i) rgb[i] = table[rgb[i]];
}

}  // namespace understudy
