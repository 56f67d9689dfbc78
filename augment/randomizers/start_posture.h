#pragma once

#include "augment/randomizers/amount.h"

namespace understudy {

// Posture that arms start from: every joint draws an amount, within its range.
struct StartPostureRandomizer {
  static constexpr const char* kTag = "start_posture";
  static constexpr const char* kSummary = "arms: posture at the start";
  std::vector<std::string> arms{"*"};
  Amount amount{Operation::kAdd, UniformAmount{0, 0}};  // rad
  template <class V>
  void Visit(V& v) {
    v("arms", arms, "names, * and ? allowed");
    amount.Visit(v);
  }
  void Check(PhysicsCheck& check) const;
  void Draw(PhysicsDraw& draw) const;
  StartPostureRandomizer Scaled(double severity) const;
};

}  // namespace understudy
