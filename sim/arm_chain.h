#pragma once

#include <mujoco/mujoco.h>

#include <Eigen/Core>
#include <array>

#include "core/episode/action.h"
#include "core/geometry/pose.h"
#include "core/seam/kinematics.h"
#include "sim/model_index.h"

namespace understudy {

// The kinematics of one arm of hinge joints around an instant, as a product of exponentials
// (Brockett 1984): X_WE(q) = exp(S_1 (q_1 - q0_1)) … exp(S_n (q_n - q0_n)) X_WE(q0). Needs no
// simulation data of its own. A value; Forward and Nearest allocate nothing.
class ArmChain {
 public:
  // At the posture q0 in `data`, whose kinematics are up to date.
  ArmChain(const mjModel& model, const mjData& data, const ArmIndex& arm);

  const JointVector& q0() const { return q0_; }  // rad

  // X_WE at `q`; `J`, unless null, is its Jacobian: 6 x joints, [v; w] of E in W per rad/s.
  Pose Forward(const JointVector& q, ArmJacobian* J = nullptr) const;

  // The posture within the joints' limits that brings E nearest to X_WE, searched from `q_start`.
  // Of arms with fewer than six joints the position comes first, and what is left of them turns E
  // as near to the orientation as it goes (task priority: Nakamura, Hanafusa & Yoshikawa 1987). Of
  // those with more than six the rest stays near `home`.
  JointVector Nearest(const Pose& X_WE, const JointVector& q_start) const;

  // The same, searched from q0, home and some postures that are drawn within the limits: a search
  // from far away may end at a limit.
  JointVector NearestOfAll(const Pose& X_WE) const;

 private:
  using OfJoints = std::array<Eigen::Vector3d, kMostJoints>;
  JointVector q0_, lower_, upper_, home_;  // rad
  OfJoints axes_W_, anchors_W_;            // at q0
  Pose X_WE_;                              // at q0
};

}  // namespace understudy
