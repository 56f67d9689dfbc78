#include "augment/randomizers/object_size.h"

namespace understudy {

void ObjectSizeRandomizer::Check(PhysicsCheck& check) const {
  check.Match("objects", objects, NamesOf(check.world.objects));
  amount.Check(check);
  amount.CheckResult(check, "size", 1, ObjectSizeEdit::kAllowed, "no physical inertia");
  CheckVariable(check, objects, "size", &PhysicsInventory::Object::fixed_size);
}

void ObjectSizeRandomizer::Draw(PhysicsDraw& draw) const {
  VisitMatches(draw, draw.world.objects, objects, together, [&](const auto& part, Rng& rng) {
    if (!part.fixed_size.empty()) return;
    draw.edits.push_back(ObjectSizeEdit{part.name, amount.Draw(rng, 1)});
  });
}

ObjectSizeRandomizer ObjectSizeRandomizer::Scaled(double severity) const {
  ObjectSizeRandomizer scaled = *this;
  scaled.amount = amount.Scaled(severity);
  return scaled;
}

}  // namespace understudy
