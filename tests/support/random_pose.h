#pragma once

#include "core/base/rng.h"
#include "core/geometry/pose.h"

namespace understudy {

// Any orientation; a place about a metre away.
inline Pose RandomPose(Rng& rng) {
  const Eigen::Quaterniond q(rng.Normal(), rng.Normal(), rng.Normal(), rng.Normal());
  return Pose(q.normalized(), {rng.Normal(), rng.Normal(), rng.Normal()});
}

}  // namespace understudy
