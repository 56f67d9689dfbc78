#pragma once

#include "augment/randomizers/amount.h"

namespace understudy {

// Viscous damping of hinges (Nm s/rad) and slides (N s/m).
struct JointDampingRandomizer {
  static constexpr const char* kTag = "joint_damping";
  static constexpr const char* kSummary = "joints: viscous damping";
  std::vector<std::string> joints{"*"};
  bool together = true;
  Amount amount;
  template <class V>
  void Visit(V& v) {
    v("joints", joints, "names, * and ? allowed");
    v("together", together, "one draw for all that match");
    amount.Visit(v);
  }
  void Check(PhysicsCheck& check) const;
  void Draw(PhysicsDraw& draw) const;
  JointDampingRandomizer Scaled(double severity) const;
};

}  // namespace understudy
