#pragma once

#include <Eigen/Geometry>
#include <vector>

#include "data/geometry/pose.h"

namespace understudy {

// Whether an open hand whose E stands at X_WE puts a finger (`fingers_E`: boxes in E, m) where an
// object is: a disc of `radius` (m) about its origin p_WO, across z of E and as deep as it is wide.
// Coarse on purpose: it decides which of several grasps is tried, not whether one is possible.
bool FingersMeet(const std::vector<Eigen::AlignedBox3d>& fingers_E, const Pose& X_WE,
                 const Eigen::Vector3d& p_WO, double radius);

}  // namespace understudy
