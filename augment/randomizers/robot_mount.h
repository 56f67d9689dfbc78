#pragma once

#include "augment/randomizers/draw.h"

namespace understudy {

// Where the bases of arms stand.
struct RobotMountRandomizer {
  static constexpr const char* kTag = "robot_mount";
  static constexpr const char* kSummary = "arms: where their bases stand";
  std::vector<std::string> arms{"*"};
  double position = 0;
  double height = 0;
  double yaw = 0;
  template <class V>
  void Visit(V& v) {
    v("arms", arms, "names, * and ? allowed");
    v("position", position, "m, half width of a square on the floor", Limits{0, 1});
    v("height", height, "m, half width", Limits{0, 1});
    v("yaw", yaw, "rad, half width", Limits{0, 3.2});
  }
  void Check(PhysicsCheck& check) const;
  void Draw(PhysicsDraw& draw) const;
  RobotMountRandomizer Scaled(double severity) const;
};

}  // namespace understudy
