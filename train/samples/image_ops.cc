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
