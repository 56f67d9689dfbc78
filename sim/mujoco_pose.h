#pragma once

#include <mujoco/mujoco.h>

#include "core/geometry/pose.h"

namespace understudy {

// Writes a pose as MuJoCo has them: position, and quaternion wxyz.
inline void PutPose(const Pose& X, mjtNum* position, mjtNum* quaternion) {
  const Eigen::Quaterniond& q = X.rotation();
  for (int i = 0; i < 3; ++i) position[i] = X.translation()[i];
  quaternion[0] = q.w();
  quaternion[1] = q.x();
  quaternion[2] = q.y();
  quaternion[3] = q.z();
}

}  // namespace understudy
