#include "core/image/panorama.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/error.h"

namespace understudy {

Image ToneMap(int width, int height, const std::vector<float>& rgb) {
  Image image(width, height);
  Require(rgb.size() == image.rgb.size(), "three numbers per pixel");
  const auto known = [](float value) {
    return std::isfinite(value) ? static_cast<double>(std::clamp(value, 0.0f, 1e6f)) : 0.0;
  };
  const auto luminance = [&](size_t i) {
    return 0.2126 * known(rgb[i]) + 0.7152 * known(rgb[i + 1]) + 0.0722 * known(rgb[i + 2]);
  };
  double logs = 0;
  for (size_t i = 0; i < rgb.size(); i += 3) logs += std::log(luminance(i) + 1e-4);
  constexpr double kGrey = 0.18, kWhite = 4;  // white: what becomes 1, in middle greys
  const double scale = kGrey / std::exp(logs / (rgb.size() / 3.0));
  for (size_t i = 0; i < rgb.size(); i += 3) {
    const double light = scale * luminance(i);
    const double bent = (1 + light / (kWhite * kWhite)) / (1 + light);
    for (size_t c = 0; c < 3; ++c) {
      const double value = std::clamp(scale * known(rgb[i + c]) * bent, 0.0, 1.0);
      const double shown =
          value <= 0.0031308 ? 12.92 * value : 1.055 * std::pow(value, 1 / 2.4) - 0.055;
      image.rgb[i + c] = static_cast<uint8_t>(std::lround(255 * shown));
    }
  }
  return image;
}

Image Surroundings(const Image& photograph) {
  const int w = photograph.width, h = photograph.height;
  Require(w > 0 && h > 0, "a photograph has pixels");
  if (w == 2 * h) return photograph;
  // as many pixels per angle both ways
  Image all(2 * w, w);
  const auto mean_of = [&](int row) {
    std::array<int64_t, 3> sum{};
    for (int x = 0; x < w; ++x) {
      for (size_t c = 0; c < 3; ++c) {
        sum[c] += photograph.rgb[3 * (static_cast<size_t>(row) * w + x) + c];
      }
    }
    for (int64_t& channel : sum) channel /= w;
    return sum;
  };
  const auto above = mean_of(0), below = mean_of(h - 1);
  const int top = (w - h) / 2;  // negative: more than is seen
  for (int y = 0; y < all.height; ++y) {
    for (int x = 0; x < all.width; ++x) {
      // the photograph's middle is that of the surroundings
      const int across = std::abs(x - w / 2 < 0 ? -1 - (x - w / 2) : x - w / 2);
      const int from = across < w ? across : 2 * w - 1 - across, row = y - top;
      uint8_t* out = &all.rgb[3 * (static_cast<size_t>(y) * all.width + x)];
      for (size_t c = 0; c < 3; ++c) {
        out[c] = row < 0    ? static_cast<uint8_t>(above[c])
                 : row >= h ? static_cast<uint8_t>(below[c])
                            : photograph.rgb[3 * (static_cast<size_t>(row) * w + from) + c];
      }
    }
  }
  return all;
}

}  // namespace understudy
