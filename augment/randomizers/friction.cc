#include "augment/randomizers/friction.h"

namespace understudy {

void FrictionRandomizer::Check(PhysicsCheck& check) const {
  check.Match("geoms", geoms, NamesOf(check.world.geoms));
  amount.Check(check);
  for (const auto& part : check.world.geoms) {
    if (!MatchesAny(geoms, part.name)) continue;
    amount.CheckResult(check, part.name, part.sliding, FrictionEdit::kAllowed,
                       "friction pushes nothing");
  }
}

void FrictionRandomizer::Draw(PhysicsDraw& draw) const {
  VisitMatches(draw, draw.world.geoms, geoms, together, [&](const auto& part, Rng& rng) {
    draw.edits.push_back(FrictionEdit{part.name, amount.Draw(rng, part.sliding)});
  });
}

FrictionRandomizer FrictionRandomizer::Scaled(double severity) const {
  FrictionRandomizer scaled = *this;
  scaled.amount = amount.Scaled(severity);
  return scaled;
}

}  // namespace understudy
