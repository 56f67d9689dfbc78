#include "mimic/attempt/feedback.h"

#include <algorithm>

namespace understudy {
namespace {

// An arm that goes less than this part of its usual way in a step is blocked.
constexpr double kBlocked = 0.5;

}  // namespace

Feedback::Feedback(double most, size_t arms)
    : most_(most), asked_(arms), covered_(arms), blocked_(arms) {}

ArmAction Feedback::Led(size_t arm, const ArmAction& command, const Pose& X_WE_src,
                        const Pose& X_WE) const {
  const double gain = std::clamp(1 / std::max(Share(arm), 1e-3) - 1, 0.0, most_);
  if (blocked_[arm] || gain == 0) return command;
  const Eigen::Vector3d away = X_WE_src.translation() - X_WE.translation();
  const Eigen::Vector3d turn = RotationLog(X_WE_src.rotation() * X_WE.rotation().conjugate());
  // not one bit of a hand that is there is changed
  if (away.isZero(0) && turn.isZero(0)) return command;
  return {Pose(RotationExp(gain * turn) * command.X_WE_cmd.rotation(),
               command.X_WE_cmd.translation() + gain * away),
          command.gripper,
          {}};
}

void Feedback::Note(const Step& row, const Observation& after) {
  for (size_t arm = 0; arm < blocked_.size(); ++arm) {
    const Eigen::Vector3d& p_WE = row.observation.arms[arm].X_WE.translation();
    const Eigen::Vector3d asked = row.action.arms[arm].X_WE_cmd.translation() - p_WE;
    const Eigen::Vector3d moved = after.arms[arm].X_WE.translation() - p_WE;
    blocked_[arm] = moved.norm() < kBlocked * Share(arm) * asked.norm();
    if (row.label != StepLabel::kBridge) continue;
    asked_[arm] += asked.squaredNorm();
    covered_[arm] += asked.dot(moved);
  }
}

}  // namespace understudy
