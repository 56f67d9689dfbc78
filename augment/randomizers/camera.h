#pragma once

#include "augment/randomizers/draw.h"

namespace understudy {

// Position, direction and field of view of cameras.
struct CameraRandomizer {
  static constexpr const char* kTag = "camera";
  static constexpr const char* kSummary = "cameras: position, direction and field of view";
  // options that came later: same plan, same text
  static constexpr std::array kUnwritten{"position_beyond"};
  std::vector<std::string> cameras{"*"};
  double position = 0;
  double position_beyond = 0;
  double rotation = 0;
  double fovy_deg = 0;
  template <class V>
  void Visit(V& v) {
    v("cameras", cameras, "names, * and ? allowed");
    v("position", position, "m, half width of a box", Limits{0, 2});
    v("position_beyond", position_beyond,
      "m, half width of an inner box in which none is put: the one that was trained on",
      Limits{0, 2});
    v("rotation", rotation, "rad, largest turn about a random axis", Limits{0, 3.2});
    v("fovy_deg", fovy_deg, "± degrees", Limits{0, 60});
  }
  void Check(PlanCheck& check) const;
  void Draw(PlanDraw& draw) const;
  CameraRandomizer Scaled(double severity) const;
};

}  // namespace understudy
