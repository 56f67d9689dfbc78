#include "core/episode/action.h"

#include <algorithm>
#include <cmath>

namespace understudy {

bool IsFinite(const ArmAction& action) {
  return action.X_WE_cmd.translation().allFinite() &&
         action.X_WE_cmd.rotation().coeffs().allFinite() && action.q_cmd.allFinite() &&
         std::isfinite(action.gripper);
}

bool ArmAction::operator==(const ArmAction& other) const {
  return X_WE_cmd == other.X_WE_cmd && gripper == other.gripper &&
         q_cmd.size() == other.q_cmd.size() && q_cmd == other.q_cmd;
}

DeltaAction DeltaFromTarget(const Pose& X_WE, const ArmAction& target, const DeltaLimits& limits) {
  DeltaAction delta;
  delta.value.head<3>() = (target.X_WE_cmd.translation() - X_WE.translation()) / limits.linear;
  delta.value.segment<3>(3) =
      RotationLog(target.X_WE_cmd.rotation() * X_WE.rotation().conjugate()) / limits.angular;
  delta.value[6] = std::clamp(target.gripper, -1.0, 1.0);
  const Eigen::Matrix<double, 6, 1> wanted = delta.value.head<6>();
  delta.value.head<6>() = wanted.cwiseMax(-1).cwiseMin(1);
  delta.clipped = delta.value.head<6>() != wanted;
  return delta;
}

ArmAction TargetFromDelta(const Pose& X_WE, const Eigen::Matrix<double, 7, 1>& delta,
                          const DeltaLimits& limits) {
  ArmAction target;
  target.X_WE_cmd = Pose(RotationExp(limits.angular * delta.segment<3>(3)) * X_WE.rotation(),
                         X_WE.translation() + limits.linear * delta.head<3>());
  target.gripper = delta[6];
  return target;
}

ArmAction ClipTarget(const Pose& X_WE, const ArmAction& target, const DeltaLimits& limits) {
  const DeltaAction delta = DeltaFromTarget(X_WE, target, limits);
  if (!delta.clipped && delta.value[6] == target.gripper) return target;
  return TargetFromDelta(X_WE, delta.value, limits);
}

}  // namespace understudy
