#include "augment/randomizers/reset_range.h"

#include <algorithm>

namespace understudy {

void ResetRangeRandomizer::Check(PhysicsCheck& check) const {
  check.Match("objects", objects, NamesOf(check.world.objects));
}

void ResetRangeRandomizer::Draw(PhysicsDraw& draw) const {
  for (const auto& object : draw.world.objects) {
    if (!MatchesAny(objects, object.name) || !object.ranged) continue;
    draw.edits.push_back(ResetRangeEdit{object.name, factor});
  }
}

ResetRangeRandomizer ResetRangeRandomizer::Scaled(double severity) const {
  ResetRangeRandomizer scaled = *this;
  scaled.factor = std::clamp(1 + severity * (factor - 1), 0.0, 10.0);
  return scaled;
}

}  // namespace understudy
