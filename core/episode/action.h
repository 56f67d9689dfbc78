#pragma once

#include <Eigen/Core>
#include <vector>

#include "core/geometry/pose.h"
#include "core/spec/delta_limits.h"

namespace understudy {

// Angles of one arm's joints, base to tip (rad), on the stack.
inline constexpr int kMostJoints = 7;
using JointVector = Eigen::Matrix<double, Eigen::Dynamic, 1, Eigen::ColMajor, kMostJoints, 1>;

// Command of one arm for one policy step: the absolute target of its control frame E in the
// world, or of its joints, and the gripper command in [-1, 1], -1 open, +1 closed (robosuite's
// sign).
struct ArmAction {
  Pose X_WE_cmd;
  double gripper = -1;
  // Where joints are the command: their targets; X_WE_cmd is then where they bring E. Else empty.
  JointVector q_cmd;
  bool operator==(const ArmAction& other) const;
};

// Whether all its numbers are finite.
bool IsFinite(const ArmAction& action);

// One entry per arm, in the order of SimulatorInfo::arms. This, in float64, is what the controller
// consumes, what is stored as `actions_abs` and `actions_joints`, and what replay uses.
struct Action {
  std::vector<ArmAction> arms;
  bool operator==(const Action&) const = default;
};

// A robosuite-1.4 OSC_POSE action: [dx dy dz drx dry drz gripper], world axes, each in [-1, 1].
struct DeltaAction {
  Eigen::Matrix<double, 7, 1> value = Eigen::Matrix<double, 7, 1>::Zero();
  bool clipped = false;  // the wanted motion left the box in at least one axis
};

// delta = clip((p_cmd - p) / linear), clip(log(R_cmd R^T) / angular), gripper clipped to [-1, 1].
DeltaAction DeltaFromTarget(const Pose& X_WE, const ArmAction& target, const DeltaLimits& limits);

// The absolute target that the delta means at X_WE: p + linear d, exp(angular d) R.
ArmAction TargetFromDelta(const Pose& X_WE, const Eigen::Matrix<double, 7, 1>& delta,
                          const DeltaLimits& limits);

// The nearest target to `target` that one policy step from X_WE can ask for: TargetFromDelta of
// DeltaFromTarget, a pose alone, except that a target inside the box is passed on bit for bit.
ArmAction ClipTarget(const Pose& X_WE, const ArmAction& target, const DeltaLimits& limits);

}  // namespace understudy
