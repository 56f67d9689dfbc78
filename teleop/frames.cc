#include "teleop/frames.h"

namespace understudy {

Pose TrackingInWorld(const OperatorPlacement& placement) {
  // -z_T becomes x_W, y_T becomes z_W, x_T becomes -y_W
  const Eigen::Quaterniond q_ahead(0.5, 0.5, -0.5, -0.5);
  return Pose(RotationExp({0, 0, placement.yaw}) * q_ahead, placement.p_WT);
}

}  // namespace understudy
