#pragma once

#include <Eigen/Core>
#include <Eigen/Geometry>

#include "core/geometry/pose.h"

namespace understudy {

// A box of any orientation in frame W.
struct Box {
  Pose X_WB;                                       // of its centre
  Eigen::Vector3d half = Eigen::Vector3d::Zero();  // m, half edges
};

// The upright box around it, in W.
Eigen::AlignedBox3d BoundsOf(const Box& box);

// The widest gap (m) between two boxes along any axis that can separate them: above 0 they are
// apart by at least so much, below 0 they are inside each other, and moving one by so much parts
// them (Gottschalk, Lin and Manocha, "OBBTree", SIGGRAPH 1996).
double BoxGap(const Box& a, const Box& b);

}  // namespace understudy
