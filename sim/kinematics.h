#pragma once

#include <memory>

#include "core/base/options.h"
#include "core/seam/kinematics.h"
#include "sim/scene.h"

namespace understudy {

struct KinematicsOptions {
  // changes results
  double position_tolerance = 1e-4;
  double rotation_tolerance = 1e-3;
  int max_iterations = 200;
  double max_step = 0.2;  // rad per joint and iteration: keeps the search local
  template <class V>
  void Visit(V& v) {
    v("position_tolerance", position_tolerance, "m", Limits{1e-9, 0.1});
    v("rotation_tolerance", rotation_tolerance, "rad", Limits{1e-9, 1});
    v("max_iterations", max_iterations, "of the search", Limits{1, 100000});
    v("max_step", max_step, "rad per joint and iteration", Limits{1e-3, 3});
  }
};

// Kinematics of one arm of `scene` by damped least squares (Wampler 1986; Nakamura & Hanafusa
// 1986): damping falls with the error, and joints that the step would push beyond a limit are left
// out of it. Keeps `scene` alive. Has its own data, so it disturbs no simulator.
std::unique_ptr<Kinematics> MakeKinematics(std::shared_ptr<const Scene> scene,
                                           const KinematicsOptions& options = {}, size_t arm = 0);

}  // namespace understudy
