#include "augment/randomizers/start_posture.h"

#include <algorithm>

namespace understudy {

void StartPostureRandomizer::Check(PhysicsCheck& check) const {
  check.Match("arms", arms, NamesOf(check.world.arms));
  amount.Check(check);
}

void StartPostureRandomizer::Draw(PhysicsDraw& draw) const {
  for (const auto& arm : draw.world.arms) {
    if (!MatchesAny(arms, arm.name)) continue;
    Rng rng = draw.StreamOf(arm.name);
    StartPostureEdit edit{arm.name, arm.home};
    for (size_t i = 0; i < edit.q.size(); ++i) {
      edit.q[i] =
          std::clamp(amount.Draw(rng, arm.home[i]), arm.limits[i].first, arm.limits[i].second);
    }
    draw.edits.push_back(std::move(edit));
  }
}

StartPostureRandomizer StartPostureRandomizer::Scaled(double severity) const {
  StartPostureRandomizer scaled = *this;
  scaled.amount = amount.Scaled(severity);
  return scaled;
}

}  // namespace understudy
