#pragma once

#include "augment/randomizers/amount.h"

namespace understudy {

// What a motor turns its command into; the stiffness of a servo.
struct ActuatorGainRandomizer {
  static constexpr const char* kTag = "actuator_gain";
  static constexpr const char* kSummary = "actuators: strength of motors, stiffness of servos";
  std::vector<std::string> actuators{"*"};
  bool together = true;
  Amount amount;
  template <class V>
  void Visit(V& v) {
    v("actuators", actuators, "names, * and ? allowed");
    v("together", together, "one draw for all that match");
    amount.Visit(v);
  }
  void Check(PhysicsCheck& check) const;
  void Draw(PhysicsDraw& draw) const;
  ActuatorGainRandomizer Scaled(double severity) const;
};

}  // namespace understudy
