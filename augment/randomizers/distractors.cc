#include "augment/randomizers/distractors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace understudy {
namespace {

using Eigen::Vector3d;

// How large such a thing usually is (m), and how dense (kg/m^3 of the box that it fills).
struct Usual {
  Vector3d size;
  double density;
};
Usual UsualOf(ThingKind kind) {
  switch (kind) {
    case ThingKind::kBlock:
      return {{0.045, 0.045, 0.045}, 600};
    case ThingKind::kCan:
      return {{0.054, 0.054, 0.09}, 800};
    case ThingKind::kMug:
      return {{0.095, 0.07, 0.075}, 500};
    case ThingKind::kCarton:
      return {{0.06, 0.06, 0.12}, 700};
    case ThingKind::kBottle:
      return {{0.055, 0.055, 0.16}, 600};
    case ThingKind::kBowl:
      return {{0.11, 0.11, 0.05}, 500};
    case ThingKind::kPlate:
      return {{0.13, 0.13, 0.015}, 900};
    case ThingKind::kBook:
      return {{0.10, 0.14, 0.025}, 700};
  }
  return {{0.05, 0.05, 0.05}, 600};
}

std::string NameOf(ThingKind kind, size_t number) {
  return fmt::format("{}_{}", ToJson(kind).get<std::string>(), number);
}

}  // namespace

void DistractorsRandomizer::Check(PhysicsCheck& check) const {
  check.Match("on", {on}, check.world.stands);
  check.Range("scale", scale);
  check.Range("count", {1.0 * count[0], 1.0 * count[1]});
  if (count[1] > 0 && kinds.empty()) check.Complain("kinds", "name at least one");
  // names that there may be, and objects and things that there always are
  std::vector<std::string> names, lasting = NamesOf(check.world.objects);
  for (size_t i = 0; i < things.size(); ++i) names.push_back(NameOf(things[i], i));
  lasting.insert(lasting.end(), names.begin(), names.end());
  for (size_t i = things.size(); i < things.size() + static_cast<size_t>(count[1]); ++i) {
    for (const ThingKind kind : kinds) names.push_back(NameOf(kind, i));
  }
  for (const ThingRelation& relation : relations) {
    check.Match("relations.thing", {relation.thing}, names);
    if (relation.relation == RelationKind::kWithinReach) continue;
    const bool camera = relation.relation == RelationKind::kSeenBy;
    const auto& known = camera ? NamesOf(check.world.cameras) : lasting;
    if (std::find(known.begin(), known.end(), relation.to) == known.end()) {
      check.Complain("relations.to", UnknownName(camera ? "camera that stands still"
                                                        : "object, or one of `things`,",
                                                 relation.to, known));
    }
  }
}

void DistractorsRandomizer::Draw(PhysicsDraw& draw) const {
  Rng how_many = draw.StreamOf("count");
  const double drawn = In(how_many, {static_cast<double>(count[0]), count[1] + 1.0});
  const size_t more = static_cast<size_t>(std::clamp(static_cast<int>(drawn), count[0], count[1]));
  for (size_t i = 0; i < things.size() + more; ++i) {
    Rng rng = draw.StreamOf(fmt::format("thing {}", i));
    const auto place = static_cast<size_t>(rng.Uniform() * static_cast<double>(kinds.size()));
    DistractorEdit thing;
    thing.kind = i < things.size() ? things[i] : kinds.at(std::min(place, kinds.size() - 1));
    thing.thing = NameOf(thing.kind, i);
    const Usual usual = UsualOf(thing.kind);
    for (int axis = 0; axis < 3; ++axis) thing.size[axis] = usual.size[axis] * In(rng, scale);
    thing.mass = usual.density * thing.size.prod();
    const double hue = rng.Uniform(), saturation = In(rng, {0.2, 0.9});
    thing.rgb = HsvToRgb({hue, saturation, In(rng, {0.35, 0.95})});
    thing.on = on;
    thing.clearance = clearance;
    for (const ThingRelation& relation : relations) {
      if (GlobMatch(relation.thing, thing.thing)) thing.relations.push_back(relation);
    }
    draw.edits.push_back(std::move(thing));
  }
}

DistractorsRandomizer DistractorsRandomizer::Scaled(double severity) const {
  DistractorsRandomizer scaled = *this;
  if (severity == 0) scaled.things.clear();
  for (int& end : scaled.count) {
    end = std::clamp(static_cast<int>(std::lround(severity * end)), 0, 50);
  }
  return scaled;
}

}  // namespace understudy
