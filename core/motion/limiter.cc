#include "core/motion/limiter.h"

#include <algorithm>

namespace understudy {

bool OutlierGate::Accepts(const Pose& X_WE_wanted) {
  if ((X_WE_wanted.translation() - last_.translation()).norm() > options_.reject_distance ||
      AngleBetween(last_.rotation(), X_WE_wanted.rotation()) > options_.reject_angle) {
    return false;
  }
  last_ = X_WE_wanted;
  return true;
}

LimitedTarget Limiter::Limit(const Pose& X_WE_target, const ArmBounds& bounds, double dt_s) {
  LimitedTarget out;
  out.X_WE_cmd = last_;
  if (X_WE_target == last_) return out;
  // into the reach sphere
  Eigen::Vector3d p = X_WE_target.translation();
  const Eigen::Vector3d from_base = p - bounds.p_WB;
  if (const double distance = from_base.norm(); distance > bounds.reach) {
    p = bounds.p_WB + bounds.reach / distance * from_base;
    out.linear_clamped = true;
  }
  // into the box of one policy step, a hair smaller so that rounding cannot leave it
  DeltaLimits box = bounds.limits;
  box.linear *= 0.999;
  box.angular *= 0.999;
  const ArmAction reachable{Pose(X_WE_target.rotation(), p), 0};
  const Pose boxed = ClipTarget(bounds.X_WE, reachable, box).X_WE_cmd;
  out.linear_clamped |= (boxed.translation() - p).norm() > 1e-9;
  out.angular_clamped = AngleBetween(boxed.rotation(), X_WE_target.rotation()) > 1e-6;
  // no farther from the last command than the speeds allow
  const double dt = std::clamp(dt_s, 1e-4, 0.1);
  Eigen::Vector3d step = boxed.translation() - last_.translation();
  Eigen::Vector3d turn = RotationLog(boxed.rotation() * last_.rotation().conjugate());
  Eigen::Quaterniond q = boxed.rotation();
  if (const double length = step.norm(); length > options_.max_speed * dt) {
    step *= options_.max_speed * dt / length;
    out.linear_clamped = true;
  }
  if (const double angle = turn.norm(); angle > options_.max_turn * dt) {
    q = RotationExp(options_.max_turn * dt / angle * turn) * last_.rotation();
    out.angular_clamped = true;
  }
  out.X_WE_cmd = last_ = Pose(q.normalized(), last_.translation() + step);
  return out;
}

}  // namespace understudy
