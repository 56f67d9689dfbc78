#include "augment/randomizers/fixtures.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "core/base/error.h"
#include "core/base/tally.h"
#include "core/geometry/box.h"

namespace understudy {
namespace {

using Eigen::AlignedBox3d;
using Eigen::Vector3d;

constexpr int kTries = 300;
constexpr double kGap = 0.02;       // m between fixtures and what stands
constexpr double kArm = 0.15;       // m about the straight lines from a base to where it works
constexpr double kShoulder = 0.35;  // m of an arm above its base

// Around a fixture.
AlignedBox3d Around(const FixtureEdit& fixture) {
  const Vector3d half = fixture.size / 2;
  return BoundsOf({fixture.X_WF * Pose::FromTranslation({0, 0, half.z()}), half});
}

// Whether the line from `a` to `b` passes through `box` (slabs).
bool Passes(const Vector3d& a, const Vector3d& b, const AlignedBox3d& box) {
  double from = 0, to = 1;
  for (int i = 0; i < 3; ++i) {
    const double way = b[i] - a[i];
    if (way == 0) {
      if (a[i] < box.min()[i] || a[i] > box.max()[i]) return false;
      continue;
    }
    const double t1 = (box.min()[i] - a[i]) / way, t2 = (box.max()[i] - a[i]) / way;
    from = std::max(from, std::min(t1, t2));
    to = std::min(to, std::max(t1, t2));
  }
  return from <= to;
}

bool PassesToAny(const Vector3d& from, const AlignedBox3d& target, const AlignedBox3d& box) {
  for (int corner = 0; corner < 8; ++corner) {
    if (Passes(from, target.corner(static_cast<AlignedBox3d::CornerType>(corner)), box))
      return true;
  }
  return Passes(from, target.center(), box);
}

AlignedBox3d Grown(const AlignedBox3d& box, double by) {
  const Vector3d more = Vector3d::Constant(by);
  return {box.min() - more, box.max() + more};
}

// A fixture that stands.
struct Standing {
  FixtureEdit edit;
  AlignedBox3d box;
};

// What is in the way of a fixture; empty: nothing. `support` is what it stands on, or null.
std::string Obstacle(const FixtureEdit& fixture, const PhysicsInventory& world,
                     const std::vector<Standing>& others, const Standing* support) {
  const AlignedBox3d box = Around(fixture), wide = Grown(box, kGap);
  for (const AlignedBox3d& solid : world.solids_W) {
    if (wide.intersects(solid)) return "stood in the table, an arm or what else is there";
  }
  for (const Standing& other : others) {
    if (&other != support && wide.intersects(other.box)) return "stood in another fixture";
  }
  if (world.working_W.isEmpty()) return "";
  if (box.intersects(world.working_W)) return "stood where the arms work";
  for (const auto& arm : world.arms) {
    const Vector3d shoulder = arm.X_WB * Vector3d(0, 0, kShoulder);
    if (PassesToAny(shoulder, world.working_W, Grown(box, kArm))) {
      return "stood between an arm and its work";
    }
  }
  for (const auto& camera : world.cameras) {
    if (PassesToAny(camera.p_W, world.working_W, wide)) return "hid the work from " + camera.name;
  }
  return "";
}

Vector3d Between(Rng& rng, const Vector3d& low, const Vector3d& high) {
  const double x = In(rng, {low.x(), high.x()}), y = In(rng, {low.y(), high.y()});
  return {x, y, In(rng, {low.z(), high.z()})};
}

// One of them.
template <class Map>
typename Map::const_iterator OneOf(const Map& map, Rng& rng) {
  const auto place = static_cast<std::ptrdiff_t>(rng.Uniform() * static_cast<double>(map.size()));
  return std::next(map.begin(), std::min(place, static_cast<std::ptrdiff_t>(map.size()) - 1));
}

void Paint(const FixtureStyle& style, Rng& rng, FixtureEdit* fixture) {
  const size_t materials = style.materials.size(), count = materials + style.colours.size();
  const auto place = static_cast<size_t>(rng.Uniform() * static_cast<double>(count));
  const Vector3d tint = InBox(rng, style.tint);
  if (place < materials) {
    fixture->material = style.materials[place];
  } else if (place < count) {
    fixture->rgb = Clamp01(style.colours[place - materials] + tint);
  }
}

// Null where it does not stand.
const Standing* Find(const std::vector<Standing>& others, const std::string& name) {
  const auto found = std::find_if(others.begin(), others.end(), [&](const Standing& other) {
    return other.edit.fixture == name;
  });
  return found == others.end() ? nullptr : &*found;
}

// Places a fixture among `others`, on `support` unless that is null, by rejection. Returns what was
// in its way how often; empty: it stands.
std::string Stand(const FixtureRange& range, const PhysicsInventory& world, const Standing* support,
                  Rng& rng, std::vector<Standing>* others, FixtureEdit* fixture) {
  Tally refusals;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    fixture->size = Between(rng, range.smallest, range.largest);
    const double x = In(rng, range.x), y = In(rng, range.y), z = In(rng, range.z);
    fixture->X_WF = PoseFromYaw(In(rng, range.yaw), Vector3d(x, y, z));
    if (support != nullptr) {
      const Vector3d room = ((support->edit.size - fixture->size) / 2).cwiseMax(0);
      fixture->X_WF =
          support->edit.X_WF * Pose(fixture->X_WF.rotation(),
                                    Vector3d(x * room.x(), y * room.y(), support->edit.size.z()));
    }
    const std::string obstacle = Obstacle(*fixture, world, *others, support);
    if (obstacle.empty()) {
      others->push_back({*fixture, Around(*fixture)});
      return "";
    }
    refusals.Add(obstacle);
  }
  return refusals.Describe("draws");
}

// The names of a layout, what stands on another behind that.
std::vector<std::string> InOrder(const std::map<std::string, FixtureRange>& layout) {
  std::vector<std::string> names;
  for (const bool on_another : {false, true}) {
    for (const auto& [name, range] : layout) {
      if (on_another == !range.on.empty()) names.push_back(name);
    }
  }
  return names;
}

}  // namespace

void FixturesRandomizer::Check(PhysicsCheck& check) const {
  for (const auto& [name, style] : styles) {
    const std::string field = fmt::format("styles.{}.materials", name);
    check.Match(field.c_str(), style.materials, check.world.materials);
    if (style.materials.empty() && style.colours.empty()) {
      check.Complain(field.c_str(), "a style needs materials or colours");
    }
  }
  for (const auto& [layout, fixtures] : layouts) {
    for (const auto& [name, range] : fixtures) {
      const std::string field = fmt::format("layouts.{}.{}", layout, name);
      const size_t before = check.problems.size();
      for (const auto& [key, ends] : {std::pair{".x", range.x}, std::pair{".y", range.y},
                                      std::pair{".z", range.z}, std::pair{".yaw", range.yaw}}) {
        check.Range((field + key).c_str(), ends);
      }
      if ((range.smallest.array() > range.largest.array()).any()) {
        check.Complain((field + ".smallest").c_str(), "must not be larger than `largest`");
      }
      if (!range.on.empty()) {
        const auto support = fixtures.find(range.on);
        if (support == fixtures.end() || !support->second.on.empty()) {
          check.Complain(
              (field + ".on").c_str(),
              fmt::format("'{}' is no fixture of the layout that stands on the floor", range.on));
        }
        continue;
      }
      if (check.problems.size() > before) continue;
      // by itself it must find a place
      Rng rng(RngKey{}.WithTerm(field));
      std::vector<Standing> others;
      FixtureEdit fixture;
      const std::string refused = Stand(range, check.world, nullptr, rng, &others, &fixture);
      if (!refused.empty()) check.Complain(field.c_str(), "finds no place: " + refused);
    }
  }
}

void FixturesRandomizer::Draw(PhysicsDraw& draw) const {
  Rng choice = draw.StreamOf("layout");
  const bool composed = choice.Uniform() < share;
  if (!composed || layouts.empty()) return;
  const auto layout = OneOf(layouts, choice);
  const FixtureStyle grey, &style = styles.empty() ? grey : OneOf(styles, choice)->second;
  std::vector<Standing> others;
  for (const std::string& name : InOrder(layout->second)) {
    const FixtureRange& range = layout->second.at(name);
    Rng rng = draw.StreamOf(layout->first + "/" + name);
    const bool there = rng.Uniform() < range.share;
    const Standing* support = Find(others, range.on);
    if (!there || (!range.on.empty() && support == nullptr)) continue;
    FixtureEdit fixture;
    fixture.fixture = name;
    fixture.kind = range.kind;
    Paint(style, rng, &fixture);
    const std::string refused = Stand(range, draw.world, support, rng, &others, &fixture);
    if (!refused.empty()) {
      ThrowFailed(fmt::format("randomizers.{}: layouts.{}.{} finds no place: {}", draw.name,
                              layout->first, name, refused));
    }
    draw.edits.push_back(std::move(fixture));
  }
}

FixturesRandomizer FixturesRandomizer::Scaled(double severity) const {
  FixturesRandomizer scaled = *this;
  scaled.share = std::clamp(severity * share, 0.0, 1.0);
  return scaled;
}

}  // namespace understudy
