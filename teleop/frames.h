#pragma once

#include "core/base/options.h"
#include "core/geometry/pose.h"

namespace understudy {

// Where the operator stands in the world: docs/frames.md has the picture. Changes results.
struct OperatorPlacement {
  Eigen::Vector3d p_WT = Eigen::Vector3d(-1.0, 0, 0);  // floor below the operator
  double yaw = 0;                                      // the operator looks along Rz(yaw) x_W
  bool operator==(const OperatorPlacement&) const = default;
  template <class V>
  void Visit(V& v) {
    v("origin", p_WT, "m, origin of the tracking space in the world");
    v("yaw", yaw, "rad; 0 looks along the world's +x, as the robot does", Limits{-3.2, 3.2});
  }
};

// X_WT: from the tracking space T (OpenXR: +y up, -z ahead, +x right) to the world W (+z up, +x
// ahead, +y left). At yaw 0 the rotation is the wxyz quaternion (0.5, 0.5, -0.5, -0.5).
Pose TrackingInWorld(const OperatorPlacement& placement);

}  // namespace understudy
