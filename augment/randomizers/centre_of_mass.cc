#include "augment/randomizers/centre_of_mass.h"

#include <algorithm>

namespace understudy {

void CentreOfMassRandomizer::Check(PhysicsCheck& check) const {
  check.Match("bodies", bodies, NamesOf(check.world.bodies));
}

void CentreOfMassRandomizer::Draw(PhysicsDraw& draw) const {
  for (const auto& body : draw.world.bodies) {
    if (!MatchesAny(bodies, body.name)) continue;
    Rng rng = draw.StreamOf(body.name);
    draw.edits.push_back(CentreOfMassEdit{body.name, InBox(rng, shift)});
  }
}

CentreOfMassRandomizer CentreOfMassRandomizer::Scaled(double severity) const {
  CentreOfMassRandomizer scaled = *this;
  scaled.shift = std::min(severity * shift, 1.0);
  return scaled;
}

}  // namespace understudy
