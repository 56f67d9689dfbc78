#pragma once

#include <map>

#include "augment/randomizers/draw.h"

namespace understudy {

// Where a fixture of a layout may stand, in the world.
struct FixtureRange {
  FixtureKind kind = FixtureKind::kBox;
  std::string on;
  std::array<double, 2> x{0, 0}, y{0, 0}, z{0, 0}, yaw{0, 0};
  Eigen::Vector3d smallest = Eigen::Vector3d::Constant(0.3);
  Eigen::Vector3d largest = Eigen::Vector3d::Constant(0.3);
  double share = 1;
  template <class V>
  void Visit(V& v) {
    v("kind", kind, "box, wall, counter, shelf or cabinet");
    v("on", on, "fixture of the layout that it stands on, and is drawn with; empty: the floor");
    v("x", x, "m, world, of the middle of its foot; `on` another: share of the room there, -1 to 1",
      Limits{-20, 20});
    v("y", y, "likewise", Limits{-20, 20});
    v("z", z, "m, world, of its foot; `on` another: not used", Limits{-20, 20});
    v("yaw", yaw, "rad; 0: its front faces along x", Limits{-7, 7});
    v("smallest", smallest, "m: depth, width, height", Limits{0.001, 20});
    v("largest", largest, "m, likewise", Limits{0.001, 20});
    v("share", share, "of the draws of its layout in which it is there", Limits{0, 1});
  }
};

// What the fixtures of a scene are made of: each takes one entry.
struct FixtureStyle {
  std::vector<std::string> materials;
  std::vector<Eigen::Vector3d> colours;
  double tint = 0.05;
  template <class V>
  void Visit(V& v) {
    v("materials", materials, "of the scene");
    v("colours", colours, "rgb", Limits{0, 1});
    v("tint", tint, "half width of each channel about a colour", Limits{0, 1});
  }
};

// Scenes composed of a layout (which fixtures stand where) and a style (what they are made of).
// A fixture stands where it keeps from the table, from other fixtures, from the arms and the room
// in which they work, and hides that from no camera of the task that stands still: by rejection.
struct FixturesRandomizer {
  static constexpr const char* kTag = "fixtures";
  static constexpr const char* kSummary =
      "scene: layout of furniture about the table, and its style";
  std::map<std::string, std::map<std::string, FixtureRange>> layouts;
  std::map<std::string, FixtureStyle> styles;
  double share = 1;
  template <class V>
  void Visit(V& v) {
    v("layouts", layouts, "by name: fixtures by name");
    v("styles", styles, "by name; none: grey");
    v("share", share, "of the draws that have a layout", Limits{0, 1});
  }
  void Check(PhysicsCheck& check) const;
  // Throws Error(kFailed) where a fixture finds no place, with what was in its way how often.
  void Draw(PhysicsDraw& draw) const;
  FixturesRandomizer Scaled(double severity) const;
};

}  // namespace understudy
