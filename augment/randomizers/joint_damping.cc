#include "augment/randomizers/joint_damping.h"

namespace understudy {

void JointDampingRandomizer::Check(PhysicsCheck& check) const {
  check.Match("joints", joints, NamesOf(check.world.joints));
  amount.Check(check);
  for (const auto& part : check.world.joints) {
    if (!MatchesAny(joints, part.name)) continue;
    amount.CheckResult(check, part.name, part.damping, JointDampingEdit::kAllowed,
                       "a joint that speeds itself up");
  }
}

void JointDampingRandomizer::Draw(PhysicsDraw& draw) const {
  VisitMatches(draw, draw.world.joints, joints, together, [&](const auto& part, Rng& rng) {
    draw.edits.push_back(JointDampingEdit{part.name, amount.Draw(rng, part.damping)});
  });
}

JointDampingRandomizer JointDampingRandomizer::Scaled(double severity) const {
  JointDampingRandomizer scaled = *this;
  scaled.amount = amount.Scaled(severity);
  return scaled;
}

}  // namespace understudy
