#pragma once

#include "augment/randomizers/draw.h"

namespace understudy {

// Where the mass of a body is.
struct CentreOfMassRandomizer {
  static constexpr const char* kTag = "centre_of_mass";
  static constexpr const char* kSummary = "bodies: centre of mass";
  std::vector<std::string> bodies{"*"};
  double shift = 0;
  template <class V>
  void Visit(V& v) {
    v("bodies", bodies, "names, * and ? allowed");
    v("shift", shift, "m, half width of a box in the body's frame", Limits{0, 1});
  }
  void Check(PhysicsCheck& check) const;
  void Draw(PhysicsDraw& draw) const;
  CentreOfMassRandomizer Scaled(double severity) const;
};

}  // namespace understudy
