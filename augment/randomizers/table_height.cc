#include "augment/randomizers/table_height.h"

#include <algorithm>

namespace understudy {

void TableHeightRandomizer::Check(PhysicsCheck& check) const {
  check.Match("body", {body}, check.world.stands);
  check.Range("shift", shift);
}

void TableHeightRandomizer::Draw(PhysicsDraw& draw) const {
  Rng rng = draw.StreamOf(body);
  draw.edits.push_back(TableHeightEdit{body, In(rng, shift)});
}

TableHeightRandomizer TableHeightRandomizer::Scaled(double severity) const {
  TableHeightRandomizer scaled = *this;
  for (double& end : scaled.shift) end = std::clamp(severity * end, -1.0, 1.0);
  return scaled;
}

}  // namespace understudy
