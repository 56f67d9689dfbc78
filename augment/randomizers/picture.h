#pragma once

#include "augment/randomizers/draw.h"

namespace understudy {

// What a real camera does to its pictures: exposure, colours, motion, noise, compression.
struct PictureRandomizer {
  static constexpr const char* kTag = "picture";
  static constexpr const char* kSummary =
      "pictures of cameras: exposure, white balance, motion blur, sensor noise, JPEG";
  std::vector<std::string> cameras{"*"};
  std::array<double, 2> exposure{0, 0};
  double tint = 0;
  std::array<double, 2> motion{0, 0};
  std::array<double, 2> noise{0, 0};
  std::array<double, 2> jpeg{100, 100};
  template <class V>
  void Visit(V& v) {
    v("cameras", cameras, "names, * and ? allowed");
    v("exposure", exposure, "stops [low, high]: light times 2^stops", Limits{-6, 6});
    v("tint", tint, "white balance: red, green and blue each times 1 ± tint", Limits{0, 1});
    v("motion", motion,
      "share of the height [low, high] by which the picture moves in any direction while it is "
      "taken",
      Limits{0, 0.5});
    v("noise", noise, "of the sensor [low, high]: standard deviation as a share of white",
      Limits{0, 1});
    v("jpeg", jpeg, "quality [low, high] of JPEG; 100: not compressed", Limits{1, 100});
  }
  void Check(PlanCheck& check) const;
  void Draw(PlanDraw& draw) const;
  PictureRandomizer Scaled(double severity) const;
};

}  // namespace understudy
