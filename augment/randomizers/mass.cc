#include "augment/randomizers/mass.h"

namespace understudy {

void MassRandomizer::Check(PhysicsCheck& check) const {
  check.Match("bodies", bodies, NamesOf(check.world.bodies));
  amount.Check(check);
  for (const auto& part : check.world.bodies) {
    if (!MatchesAny(bodies, part.name)) continue;
    const Limits factor = MassEdit::kAllowed;
    amount.CheckResult(check, part.name, part.mass,
                       {factor.low * part.mass, factor.high * part.mass}, "no physical inertia");
  }
}

void MassRandomizer::Draw(PhysicsDraw& draw) const {
  VisitMatches(draw, draw.world.bodies, bodies, together, [&](const auto& part, Rng& rng) {
    draw.edits.push_back(MassEdit{part.name, amount.Draw(rng, part.mass) / part.mass});
  });
}

MassRandomizer MassRandomizer::Scaled(double severity) const {
  MassRandomizer scaled = *this;
  scaled.amount = amount.Scaled(severity);
  return scaled;
}

}  // namespace understudy
