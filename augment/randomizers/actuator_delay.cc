#include "augment/randomizers/actuator_delay.h"

#include <fmt/format.h>

#include <algorithm>

namespace understudy {

void ActuatorDelayRandomizer::Check(PhysicsCheck& check) const {
  check.Range("seconds", seconds);
  if (seconds[1] >= check.world.policy_step && check.world.policy_step > 0) {
    check.Complain("seconds", fmt::format("{} s must be less than a policy step, {} s", seconds[1],
                                          check.world.policy_step));
  }
}

void ActuatorDelayRandomizer::Draw(PhysicsDraw& draw) const {
  Rng rng = draw.StreamOf("delay");
  // more severe, it stays within a policy step
  const double most = std::max(0.0, draw.world.policy_step - draw.world.physics_step);
  draw.edits.push_back(ActuatorDelayEdit{std::min(In(rng, seconds), most)});
}

ActuatorDelayRandomizer ActuatorDelayRandomizer::Scaled(double severity) const {
  ActuatorDelayRandomizer scaled = *this;
  for (double& end : scaled.seconds) end = std::min(severity * end, 1.0);
  return scaled;
}

}  // namespace understudy
