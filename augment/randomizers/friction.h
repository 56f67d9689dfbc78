#pragma once

#include "augment/randomizers/amount.h"

namespace understudy {

// Sliding friction. Of two things that touch, the greater one counts: vary both sides, or together.
struct FrictionRandomizer {
  static constexpr const char* kTag = "friction";
  static constexpr const char* kSummary = "geoms: sliding friction";
  std::vector<std::string> geoms{"*"};
  bool together = true;
  Amount amount;
  template <class V>
  void Visit(V& v) {
    v("geoms", geoms, "names, * and ? allowed");
    v("together", together, "one draw for all that match");
    amount.Visit(v);
  }
  void Check(PhysicsCheck& check) const;
  void Draw(PhysicsDraw& draw) const;
  FrictionRandomizer Scaled(double severity) const;
};

}  // namespace understudy
