#pragma once

#include "augment/randomizers/draw.h"

namespace understudy {

// Colours and shine of materials.
struct MaterialRandomizer {
  static constexpr const char* kTag = "material";
  static constexpr const char* kSummary = "materials: colour and shine";
  std::vector<std::string> materials{"*"};
  double hue = 0;
  double saturation = 0, value = 0;
  double shine = 0;
  template <class V>
  void Visit(V& v) {
    v("materials", materials, "names, * and ? allowed");
    v("hue", hue, "turns of the colour circle, ±", Limits{0, 0.5});
    v("saturation", saturation, "± of the channel", Limits{0, 1});
    v("value", value, "±", Limits{0, 1});
    v("shine", shine, "± of specular and shininess", Limits{0, 1});
  }
  void Check(PlanCheck& check) const;
  void Draw(PlanDraw& draw) const;
  MaterialRandomizer Scaled(double severity) const;
};

}  // namespace understudy
