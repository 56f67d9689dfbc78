#include "augment/randomizers/object_size.h"

#include <fmt/format.h>

namespace understudy {

void ObjectSizeRandomizer::Check(PhysicsCheck& check) const {
  check.Match("objects", objects, NamesOf(check.world.objects));
  amount.Check(check);
  amount.CheckResult(check, "size", 1, ObjectSizeEdit::kAllowed, "no physical inertia");
  for (const std::string& pattern : objects) {
    std::string fixed;
    bool resizable = false;
    for (const auto& object : check.world.objects) {
      if (!GlobMatch(pattern, object.name)) continue;
      if (object.fixed_size.empty()) resizable = true;
      fixed = fmt::format("the size of '{}' cannot be varied: {}", object.name, object.fixed_size);
    }
    if (!resizable && !fixed.empty()) check.Complain("objects", fixed);
  }
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
