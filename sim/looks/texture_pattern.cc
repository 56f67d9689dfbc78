#include "sim/looks/texture_pattern.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/base/error.h"
#include "core/base/rng.h"

namespace understudy {
namespace {

// Value noise in [0, 1] that repeats every `nx` by `ny` lattice cells.
class Lattice {
 public:
  Lattice(uint64_t seed, uint32_t octave, int nx, int ny) : nx_(nx), ny_(ny) {
    values_.resize(static_cast<size_t>(nx) * ny);
    const std::array<uint32_t, 2> key{static_cast<uint32_t>(seed),
                                      static_cast<uint32_t>(seed >> 32)};
    for (size_t i = 0; i < values_.size(); ++i) {
      values_[i] = Philox4x32({static_cast<uint32_t>(i), octave, 0, 0}, key)[0] * 0x1p-32f;
    }
  }

  // `u` and `v` in [0, 1) across the texture.
  float At(float u, float v) const {
    const float x = u * nx_, y = v * ny_;
    const int ix = static_cast<int>(x), iy = static_cast<int>(y);
    const float fx = Smooth(x - ix), fy = Smooth(y - iy);
    const float low = Mix(Value(ix, iy), Value(ix + 1, iy), fx);
    const float high = Mix(Value(ix, iy + 1), Value(ix + 1, iy + 1), fx);
    return Mix(low, high, fy);
  }

 private:
  static float Smooth(float t) { return t * t * (3 - 2 * t); }
  static float Mix(float a, float b, float t) { return a + (b - a) * t; }
  float Value(int ix, int iy) const {
    return values_[static_cast<size_t>(iy % ny_) * nx_ + ix % nx_];
  }

  int nx_, ny_;
  std::vector<float> values_;
};

// Octaves of a lattice, each twice as fine and half as high; stops where cells meet pixels.
class Noise {
 public:
  Noise(uint64_t seed, uint32_t stream, int nx, int ny, int width, int height) {
    for (uint32_t octave = 0; octave < 4; ++octave) {
      const int fx = nx << octave, fy = ny << octave;
      if (octave > 0 && (fx > width || fy > height)) break;
      octaves_.emplace_back(seed, stream * 16 + octave, fx, fy);
    }
  }

  float At(float u, float v) const {
    float sum = 0, weight = 0, height = 1;
    for (const Lattice& octave : octaves_) {
      sum += height * octave.At(u, v);
      weight += height;
      height /= 2;
    }
    return sum / weight;
  }

 private:
  std::vector<Lattice> octaves_;
};

float Triangle(float x) {
  const float fraction = x - std::floor(x);
  return 1 - std::abs(2 * fraction - 1);
}

}  // namespace

void PaintTexture(const TextureEdit& edit, int width, int height, int channels, uint8_t* pixels) {
  Require(width > 0 && height > 0 && (channels == 1 || channels == 3 || channels == 4),
          "a texture has a size and 1, 3 or 4 channels");
  const int cells = std::clamp(static_cast<int>(std::lround(edit.cells)), 1, 64);
  const Eigen::Vector3f rgb1 = edit.rgb1.cast<float>(), rgb2 = edit.rgb2.cast<float>();
  const bool wood = edit.pattern == TexturePattern::kWood;

  // wood: long soft waves bend the rings, fine streaks along them make the grain
  const Noise broad(edit.seed, 0, wood ? 2 : cells, wood ? 2 : cells, width, height);
  const Noise grain(edit.seed, 1, wood ? 48 : 1, wood ? 3 : 1, width, height);

  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const float u = (x + 0.5f) / width, v = (y + 0.5f) / height;

      // share of the second colour
      float t = 0;
      switch (edit.pattern) {
        case TexturePattern::kFlat:
          break;
        case TexturePattern::kChecker:
          t = (static_cast<int>(u * 2 * cells) + static_cast<int>(v * 2 * cells)) % 2;
          break;
        case TexturePattern::kGradient:
          t = Triangle(v * cells);
          break;
        case TexturePattern::kNoise:
          t = std::clamp(1.6f * (broad.At(u, v) - 0.5f) + 0.5f, 0.0f, 1.0f);
          break;
        case TexturePattern::kWood: {
          const float ring = Triangle(u * cells + 1.5f * broad.At(u, v));
          t = std::clamp(0.65f * ring * ring + 0.7f * (grain.At(u, v) - 0.3f), 0.0f, 1.0f);
          break;
        }
      }

      // mix and store
      const Eigen::Vector3f rgb = rgb1 + t * (rgb2 - rgb1);
      uint8_t* pixel = pixels + (static_cast<size_t>(y) * width + x) * channels;
      const auto to_byte = [](float value) {
        return static_cast<uint8_t>(std::clamp(value, 0.0f, 1.0f) * 255 + 0.5f);
      };
      if (channels == 1) {
        pixel[0] = to_byte(rgb.mean());
      } else {
        for (int c = 0; c < 3; ++c) pixel[c] = to_byte(rgb[c]);
        if (channels == 4) pixel[3] = 255;
      }
    }
  }
}

}  // namespace understudy
