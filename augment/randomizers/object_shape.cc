#include "augment/randomizers/object_shape.h"

#include <algorithm>

namespace understudy {

void ObjectShapeRandomizer::Check(PhysicsCheck& check) const {
  check.Match("objects", objects, NamesOf(check.world.objects));
  if (shapes.empty()) check.Complain("shapes", "name at least one");
  CheckVariable(check, objects, "shape", &PhysicsInventory::Object::fixed_shape);
}

void ObjectShapeRandomizer::Draw(PhysicsDraw& draw) const {
  for (const auto& object : draw.world.objects) {
    if (!MatchesAny(objects, object.name) || !object.fixed_shape.empty()) continue;
    Rng rng = draw.StreamOf(object.name);
    const bool changes = rng.Uniform() < share;
    const auto shape = static_cast<size_t>(rng.Uniform() * static_cast<double>(shapes.size()));
    if (changes) draw.edits.push_back(ObjectShapeEdit{object.name, shapes.at(shape)});
  }
}

ObjectShapeRandomizer ObjectShapeRandomizer::Scaled(double severity) const {
  ObjectShapeRandomizer scaled = *this;
  scaled.share = std::clamp(severity * share, 0.0, 1.0);
  return scaled;
}

}  // namespace understudy
