#include "sim/looks/sky.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "core/image/camera_effects.h"

namespace understudy {
namespace {

// px a side of the cube: a picture of 1024 px round about has as many in a quarter.
constexpr int kSide = 256;
constexpr int kHiddenGroup = mjNGROUP - 1;

// Where a pixel of the cube looks.
struct Way {
  float turn;  // about z, in turns from x
  float down;  // from z, in half turns
};

// The faces of MuJoCo's skies, one below the other: right, left, up, down, front, back of OpenGL,
// whose y is our z and whose z is our -y.
std::vector<Way> CubeWays() {
  std::vector<Way> ways;
  ways.reserve(6 * kSide * kSide);
  for (int face = 0; face < 6; ++face) {
    for (int row = 0; row < kSide; ++row) {
      for (int column = 0; column < kSide; ++column) {
        const double s = (2 * column + 1.0) / kSide - 1, t = (2 * row + 1.0) / kSide - 1;
        const std::array<std::array<double, 3>, 6> all{
            {{1, -t, -s}, {-1, -t, s}, {s, 1, t}, {s, -1, -t}, {s, -t, 1}, {-s, -t, -1}}};
        const auto& [x, y, z] = all[static_cast<size_t>(face)];
        const double length = std::sqrt(x * x + y * y + z * z);
        ways.push_back({static_cast<float>(std::atan2(-z, x) / (2 * std::numbers::pi)),
                        static_cast<float>(std::acos(y / length) / std::numbers::pi)});
      }
    }
  }
  return ways;
}

// Between the four pixels around each way.
void PaintCube(const Image& picture, double yaw, const std::array<uint8_t, 256>& shown,
               mjtByte* out) {
  static const std::vector<Way> ways = CubeWays();
  const auto turned = static_cast<float>(0.5 + yaw / (2 * std::numbers::pi));
  const int w = picture.width, h = picture.height;
  for (const Way& way : ways) {
    float u = turned - way.turn;
    u -= std::floor(u);
    const float x = u * w - 0.5f, y = std::clamp(way.down * h - 0.5f, 0.0f, h - 1.0f);
    const int x0 = static_cast<int>(std::floor(x)), y0 = static_cast<int>(y);
    const int left = (x0 + w) % w, right = (x0 + 1) % w, below = std::min(y0 + 1, h - 1);
    const float fx = x - x0, fy = y - y0;
    const uint8_t* upper = picture.rgb.data() + static_cast<size_t>(3) * y0 * w;
    const uint8_t* lower = picture.rgb.data() + static_cast<size_t>(3) * below * w;
    for (int c = 0; c < 3; ++c) {
      const float a = upper[3 * left + c] + fx * (upper[3 * right + c] - upper[3 * left + c]);
      const float b = lower[3 * left + c] + fx * (lower[3 * right + c] - lower[3 * left + c]);
      *out++ = shown[static_cast<size_t>(a + fy * (b - a) + 0.5f)];
    }
  }
}

// What becomes of each brightness.
std::array<uint8_t, 256> ShownAs(double exposure) {
  Image ramp(256, 1);
  for (size_t i = 0; i < ramp.rgb.size(); ++i) ramp.rgb[i] = static_cast<uint8_t>(i / 3);
  if (exposure != 0) Expose(exposure, Eigen::Vector3d::Ones(), &ramp);
  std::array<uint8_t, 256> shown;
  for (size_t i = 0; i < shown.size(); ++i) shown[i] = ramp.rgb[3 * i];
  return shown;
}

}  // namespace

void Look<SkyEdit>::Check(const mjModel& nominal, const SkyEdit& edit) {
  for (const std::string& geom : edit.hidden) FindPart(nominal, mjOBJ_GEOM, "geom", geom);
}

void Look<SkyEdit>::Restore(const mjModel& nominal, mjModel* varied) {
  room_->Return(room_->sky());
  shown_.clear();
  CopyNumbers(varied->geom_group, nominal.geom_group, nominal.ngeom);
}

void Look<SkyEdit>::Apply(const SkyEdit& edit, mjModel* varied) {
  for (const std::string& geom : edit.hidden) {
    varied->geom_group[FindPart(*varied, mjOBJ_GEOM, "geom", geom)] = kHiddenGroup;
  }
  if (!edit.image.shown()) return;
  shown_ = fmt::format("{} {} {}", edit.image.hash, edit.yaw, edit.exposure);
  mjtByte* pixels = room_->Take(room_->sky(), kSide, 6 * kSide);
  if (held_ == shown_) return;
  PaintCube(*edit.image.Pixels(), edit.yaw, ShownAs(edit.exposure), pixels);
  held_ = shown_;
}

bool Look<SkyEdit>::TakeChanged() {
  // the last one stays where none is shown, unless the model has its own
  const bool changed = shown_ != taken_ && (!shown_.empty() || room_->sky_is_own());
  if (changed) taken_ = shown_;
  return changed;
}

}  // namespace understudy
