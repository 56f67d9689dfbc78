#include "augment/randomizers/actuator_gain.h"

namespace understudy {

void ActuatorGainRandomizer::Check(PhysicsCheck& check) const {
  check.Match("actuators", actuators, NamesOf(check.world.actuators));
  amount.Check(check);
  for (const auto& part : check.world.actuators) {
    if (!MatchesAny(actuators, part.name)) continue;
    amount.CheckResult(check, part.name, part.gain, ActuatorGainEdit::kAllowed,
                       "it would work against its command");
  }
}

void ActuatorGainRandomizer::Draw(PhysicsDraw& draw) const {
  VisitMatches(draw, draw.world.actuators, actuators, together, [&](const auto& part, Rng& rng) {
    draw.edits.push_back(ActuatorGainEdit{part.name, amount.Draw(rng, part.gain)});
  });
}

ActuatorGainRandomizer ActuatorGainRandomizer::Scaled(double severity) const {
  ActuatorGainRandomizer scaled = *this;
  scaled.amount = amount.Scaled(severity);
  return scaled;
}

}  // namespace understudy
