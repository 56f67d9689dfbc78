#pragma once

#include "augment/randomizers/draw.h"

namespace understudy {

// How late commands reach the actuators of all arms.
struct ActuatorDelayRandomizer {
  static constexpr const char* kTag = "actuator_delay";
  static constexpr const char* kSummary = "actuators: how late commands reach them";
  std::array<double, 2> seconds{0, 0};
  template <class V>
  void Visit(V& v) {
    v("seconds", seconds, "s, [low, high], uniform, less than a policy step", Limits{0, 1});
  }
  void Check(PhysicsCheck& check) const;
  void Draw(PhysicsDraw& draw) const;
  ActuatorDelayRandomizer Scaled(double severity) const;
};

}  // namespace understudy
