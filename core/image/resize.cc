#include "core/image/resize.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "core/base/error.h"

namespace understudy {
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

}  // namespace understudy
