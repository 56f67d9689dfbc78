#pragma once

#include "augment/randomizers/draw.h"

namespace understudy {

// Position, direction, brightness and tint of lights.
struct LightRandomizer {
  static constexpr const char* kTag = "light";
  static constexpr const char* kSummary = "lights: position, direction, brightness and tint";
  std::vector<std::string> lights{"*"};
  double position = 0;
  double direction = 0;
  std::array<double, 2> intensity{1, 1};
  std::array<double, 2> ambient{1, 1};
  double tint = 0;
  template <class V>
  void Visit(V& v) {
    v("lights", lights, "names, * and ? allowed");
    v("position", position, "m, half width of a box around the nominal place", Limits{0, 10});
    v("direction", direction, "rad, largest tilt", Limits{0, 3.2});
    v("intensity", intensity, "factor [low, high], uniform, on diffuse and specular",
      Limits{0, 10});
    v("ambient", ambient, "factor [low, high] on ambient", Limits{0, 10});
    v("tint", tint, "each channel times 1 ± tint", Limits{0, 1});
  }
  void Check(PlanCheck& check) const;
  void Draw(PlanDraw& draw) const;
  LightRandomizer Scaled(double severity) const;
};

}  // namespace understudy
