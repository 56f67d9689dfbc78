#include "core/motion/limiter.h"

#include <algorithm>
#include <cmath>

namespace understudy {

namespace {

// Shortens the step (m or rad) of `dt` towards a target to what `speed` and `acceleration` (0:
// none) allow after a step of velocity `before`; says whether it did.
bool Shorten(Eigen::Vector3d& step, const Eigen::Vector3d& before, double speed,
             double acceleration, double dt) {
  const double length = step.norm();
  if (acceleration <= 0) {
    if (length <= speed * dt) return false;
    step *= speed * dt / length;
    return true;
  }
  // as fast as it can be and still stop at the target: v^2 / (2 a) + v dt / 2 = length
  const double change = acceleration * dt;
  const double stops = (std::sqrt(change * change + 8 * acceleration * length) - change) / 2;
  const Eigen::Vector3d wanted =
      length > 0 ? Eigen::Vector3d(step * (std::min({length / dt, speed, stops}) / length))
                 : Eigen::Vector3d::Zero();
  Eigen::Vector3d more = wanted - before;
  if (const double size = more.norm(); size > change) more *= change / size;
  const Eigen::Vector3d shorter = dt * (before + more);
  const bool less = (shorter - step).norm() > 1e-9;
  if (less) step = shorter;
  return less;
}

}  // namespace

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
  if (X_WE_target == last_) {
    Hold();
    return out;
  }
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
  // no farther from the last command than speed and acceleration allow
  const double dt = std::clamp(dt_s, 1e-4, 0.1);
  Eigen::Vector3d step = boxed.translation() - last_.translation();
  Eigen::Vector3d turn = RotationLog(boxed.rotation() * last_.rotation().conjugate());
  Eigen::Quaterniond q = boxed.rotation();
  out.linear_clamped |= Shorten(step, v_, options_.max_speed, options_.max_acceleration, dt);
  bool turned_less = Shorten(turn, w_, options_.max_turn, options_.max_turn_acceleration, dt);
  // the corners of the box lie outside the sphere; a command that is outside goes no further
  const Eigen::Vector3d last_from_base = last_.translation() - bounds.p_WB;
  const double radius = std::max(bounds.reach, last_from_base.norm());
  if (const Eigen::Vector3d to = last_from_base + step; to.norm() > radius * (1 + 1e-12)) {
    step = radius / to.norm() * to - last_from_base;
    out.linear_clamped = true;
  }
  // out of postures that the arm cannot leave
  if (bounds.posture != nullptr) {
    const PostureGuard::Share share = bounds.posture->Allow(*bounds.q, last_, step, turn, dt);
    out.linear_clamped |= share.linear < 1;
    if (share.linear < 1) step *= share.linear;
    turned_less |= share.angular < 1;
    if (share.angular < 1) turn *= share.angular;
  }
  out.angular_clamped |= turned_less;
  if (turned_less) q = RotationExp(turn) * last_.rotation();
  v_ = step / dt;
  w_ = turn / dt;
  out.X_WE_cmd = last_ = Pose(q.normalized(), last_.translation() + step);
  return out;
}

}  // namespace understudy
