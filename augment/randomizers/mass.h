#pragma once

#include "augment/randomizers/amount.h"

namespace understudy {

// Mass, and inertia with it.
struct MassRandomizer {
  static constexpr const char* kTag = "mass";
  static constexpr const char* kSummary = "bodies: mass with inertia";
  std::vector<std::string> bodies{"*"};
  bool together = false;
  Amount amount;
  template <class V>
  void Visit(V& v) {
    v("bodies", bodies, "names, * and ? allowed");
    v("together", together, "one draw for all that match");
    amount.Visit(v);
  }
  void Check(PhysicsCheck& check) const;
  void Draw(PhysicsDraw& draw) const;
  MassRandomizer Scaled(double severity) const;
};

}  // namespace understudy
