#include "core/motion/filter.h"

#include <cmath>
#include <numbers>

namespace understudy {
namespace {

// share of the new value in a first-order low pass
double Alpha(double cutoff_hz, double dt_s) {
  const double tau = 1 / (2 * std::numbers::pi * cutoff_hz);
  return 1 / (1 + tau / dt_s);
}

}  // namespace

void PoseFilter::Reset(const Pose& X_WE) {
  value_ = last_ = X_WE;
  speed_ = turn_ = 0;
}

Pose PoseFilter::Update(const Pose& X_WE_wanted, double dt_s) {
  if (!options_.enabled) return value_ = last_ = X_WE_wanted;
  if (!(dt_s > 0)) return value_;
  // speeds of the unfiltered target, themselves smoothed
  const double share = Alpha(options_.speed_cutoff, dt_s);
  const double speed = (X_WE_wanted.translation() - last_.translation()).norm() / dt_s;
  const double turn = AngleBetween(last_.rotation(), X_WE_wanted.rotation()) / dt_s;
  speed_ += share * (speed - speed_);
  turn_ += share * (turn - turn_);
  last_ = X_WE_wanted;
  if (X_WE_wanted == value_) return value_;
  // position and rotation each have their own cutoff
  const double a = Alpha(options_.cutoff + options_.linear_beta * speed_, dt_s);
  const double b = Alpha(options_.cutoff + options_.angular_beta * turn_, dt_s);
  const Eigen::Vector3d arc = RotationLog(X_WE_wanted.rotation() * value_.rotation().conjugate());
  value_ = Pose(RotationExp(b * arc) * value_.rotation(),
                value_.translation() + a * (X_WE_wanted.translation() - value_.translation()));
  return value_;
}

}  // namespace understudy
