#include "core/image/camera_effects.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "core/base/error.h"
#include "core/base/rng.h"

namespace understudy {
namespace {

double ToLinear(double value) {
  return value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
}

double FromLinear(double light) {
  return light <= 0.0031308 ? 12.92 * light : 1.055 * std::pow(light, 1 / 2.4) - 0.055;
}

uint8_t ToByte(double value) {
  return static_cast<uint8_t>(std::lround(std::clamp(value, 0.0, 255.0)));
}

const std::array<double, 256>& Linear() {
  static const std::array<double, 256> table = [] {
    std::array<double, 256> made{};
    for (size_t i = 0; i < 256; ++i) made[i] = ToLinear(static_cast<double>(i) / 255);
    return made;
  }();
  return table;
}

// ---- JPEG
// ----------------------------------------------------------------------------------------

constexpr int kBlock = 8;
using Block = Eigen::Matrix<double, kBlock, kBlock, Eigen::RowMajor>;

// ITU-T T.81, tables K.1 and K.2
constexpr std::array<int, 64> kLuminance{
    16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,
    14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,
    18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99};
constexpr std::array<int, 64> kChrominance{
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99,
    99, 99, 47, 66, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99};

Block Quantiser(const std::array<int, 64>& table, int quality) {
  const int scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  Block steps;
  for (int i = 0; i < 64; ++i) {
    steps(i / kBlock, i % kBlock) =
        std::clamp((table[static_cast<size_t>(i)] * scale + 50) / 100, 1, 255);
  }
  return steps;
}

const Block& Cosines() {
  static const Block made = [] {
    Block C;
    for (int u = 0; u < kBlock; ++u) {
      for (int x = 0; x < kBlock; ++x) {
        C(u, x) = (u == 0 ? std::sqrt(0.125) : 0.5) *
                  std::cos((2 * x + 1) * u * std::numbers::pi / (2 * kBlock));
      }
    }
    return C;
  }();
  return made;
}

// One plane of a picture; beyond its border is its border.
struct Plane {
  int width = 0, height = 0;
  std::vector<double> values;
  double& At(int x, int y) {
    return values[static_cast<size_t>(std::min(y, height - 1)) * static_cast<size_t>(width) +
                  static_cast<size_t>(std::min(x, width - 1))];
  }
};

void CompressPlane(const Block& steps, Plane* plane) {
  const Block& C = Cosines();
  for (int top = 0; top < plane->height; top += kBlock) {
    for (int left = 0; left < plane->width; left += kBlock) {
      Block block;
      for (int y = 0; y < kBlock; ++y) {
        for (int x = 0; x < kBlock; ++x) block(y, x) = plane->At(left + x, top + y) - 128;
      }
      Block levels = (C * block * C.transpose()).cwiseQuotient(steps);
      levels = levels.unaryExpr([](double level) { return std::round(level); });
      block = C.transpose() * levels.cwiseProduct(steps) * C;
      for (int y = 0; y < std::min(kBlock, plane->height - top); ++y) {
        for (int x = 0; x < std::min(kBlock, plane->width - left); ++x) {
          plane->At(left + x, top + y) = std::clamp(std::round(block(y, x) + 128), 0.0, 255.0);
        }
      }
    }
  }
}

}  // namespace

void Expose(double stops, const Eigen::Vector3d& gains, Image* image) {
  std::array<std::array<uint8_t, 256>, 3> tables{};
  for (size_t c = 0; c < 3; ++c) {
    const double factor = std::exp2(stops) * gains[static_cast<Eigen::Index>(c)];
    for (size_t i = 0; i < 256; ++i) {
      tables[c][i] = ToByte(255 * FromLinear(std::clamp(factor * Linear()[i], 0.0, 1.0)));
    }
  }
  for (size_t i = 0; i < image->rgb.size(); ++i) image->rgb[i] = tables[i % 3][image->rgb[i]];
}

void BlurAlong(const Eigen::Vector2d& way, Image* image) {
  const int steps = 1 + 2 * static_cast<int>(std::ceil(way.norm()));
  if (steps == 1) return;
  const Image sharp = *image;
  const auto light = [&](int x, int y, size_t c) {
    const auto column = static_cast<size_t>(std::clamp(x, 0, sharp.width - 1)),
               row = static_cast<size_t>(std::clamp(y, 0, sharp.height - 1));
    return Linear()[sharp.rgb[(row * static_cast<size_t>(sharp.width) + column) * 3 + c]];
  };
  for (int y = 0; y < sharp.height; ++y) {
    for (int x = 0; x < sharp.width; ++x) {
      std::array<double, 3> sum{};
      for (int s = 0; s < steps; ++s) {
        const double part = static_cast<double>(s) / (steps - 1) - 0.5;
        const double px = x + part * way.x(), py = y + part * way.y();
        const int x0 = static_cast<int>(std::floor(px)), y0 = static_cast<int>(std::floor(py));
        const double fx = px - x0, fy = py - y0;
        for (size_t c = 0; c < 3; ++c) {
          sum[c] += (1 - fy) * ((1 - fx) * light(x0, y0, c) + fx * light(x0 + 1, y0, c)) +
                    fy * ((1 - fx) * light(x0, y0 + 1, c) + fx * light(x0 + 1, y0 + 1, c));
        }
      }
      uint8_t* to = &image->rgb[(static_cast<size_t>(y) * static_cast<size_t>(sharp.width) +
                                 static_cast<size_t>(x)) *
                                3];
      for (size_t c = 0; c < 3; ++c) to[c] = ToByte(255 * FromLinear(sum[c] / steps));
    }
  }
}

void AddNoise(double share, uint64_t seed, Image* image) {
  Rng rng(RngKey{seed}.WithStage("sensor noise"));
  for (uint8_t& value : image->rgb) value = ToByte(value + 255 * share * rng.Normal());
}

void CompressAsJpeg(int quality, Image* image) {
  Require(quality >= 1 && quality <= 100, "a quality of JPEG");
  std::array<Plane, 3> planes;  // Y Cb Cr (JFIF)
  const size_t pixels = image->rgb.size() / 3;
  for (Plane& plane : planes) plane = {image->width, image->height, std::vector<double>(pixels)};
  for (size_t i = 0; i < pixels; ++i) {
    const double r = image->rgb[3 * i], g = image->rgb[3 * i + 1], b = image->rgb[3 * i + 2];
    planes[0].values[i] = std::round(0.299 * r + 0.587 * g + 0.114 * b);
    planes[1].values[i] = std::round(-0.168735892 * r - 0.331264108 * g + 0.5 * b + 128);
    planes[2].values[i] = std::round(0.5 * r - 0.418687589 * g - 0.081312411 * b + 128);
  }
  CompressPlane(Quantiser(kLuminance, quality), &planes[0]);
  CompressPlane(Quantiser(kChrominance, quality), &planes[1]);
  CompressPlane(Quantiser(kChrominance, quality), &planes[2]);
  for (size_t i = 0; i < pixels; ++i) {
    const double y = planes[0].values[i], cb = planes[1].values[i] - 128,
                 cr = planes[2].values[i] - 128;
    image->rgb[3 * i] = ToByte(y + 1.402 * cr);
    image->rgb[3 * i + 1] = ToByte(y - 0.344136286 * cb - 0.714136286 * cr);
    image->rgb[3 * i + 2] = ToByte(y + 1.772 * cb);
  }
}

}  // namespace understudy
