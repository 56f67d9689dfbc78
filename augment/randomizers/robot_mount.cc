#include "augment/randomizers/robot_mount.h"

#include <algorithm>

namespace understudy {

using Eigen::Vector3d;

void RobotMountRandomizer::Check(PhysicsCheck& check) const {
  check.Match("arms", arms, NamesOf(check.world.arms));
}

void RobotMountRandomizer::Draw(PhysicsDraw& draw) const {
  for (const auto& arm : draw.world.arms) {
    if (!MatchesAny(arms, arm.name)) continue;
    Rng rng = draw.StreamOf(arm.name);
    const double x = Around(rng, position), y = Around(rng, position), z = Around(rng, height);
    const double angle = Around(rng, yaw);
    // without a width the base stands where it stands, to the last bit
    const Pose turned =
        yaw > 0 ? PoseFromYaw(angle, Vector3d::Zero()) * Pose(arm.X_WB.rotation(), Vector3d::Zero())
                : Pose(arm.X_WB.rotation(), Vector3d::Zero());
    draw.edits.push_back(RobotMountEdit{
        arm.name, Pose(turned.rotation(), arm.X_WB.translation() + Vector3d(x, y, z))});
  }
}

RobotMountRandomizer RobotMountRandomizer::Scaled(double severity) const {
  RobotMountRandomizer scaled = *this;
  scaled.position = std::min(severity * position, 1.0);
  scaled.height = std::min(severity * height, 1.0);
  scaled.yaw = std::min(severity * yaw, 3.2);
  return scaled;
}

}  // namespace understudy
