#include "mimic/attempt/transform.h"

#include <cmath>

#include "core/base/error.h"

namespace understudy {

Pose SymmetricTurn(double turn) { return PoseFromYaw(turn, Eigen::Vector3d::Zero()); }

double BestTurn(const Pose& X_WO_src, const Pose& X_WO_now, int symmetry) {
  Require(symmetry >= 0, "a symmetry order is 0 or more");
  const Eigen::Quaterniond q = X_WO_src.rotation().conjugate() * X_WO_now.rotation();

  // twist about z; upside down relative to each other there is none to prefer
  if (std::hypot(q.w(), q.z()) < 1e-9) return 0;
  double twist = 2 * std::atan2(q.z(), q.w());
  twist = std::remainder(twist, 2 * M_PI);
  if (symmetry == 0) return twist;
  const double turn = 2 * M_PI / symmetry;
  const double best = std::remainder(std::round(twist / turn) * turn, 2 * M_PI);
  // -pi and pi are one turn: keep one name for it
  return best <= -M_PI + 1e-9 ? M_PI : best;
}

Pose HandChange(const Pose& X_SH, const Pose& X_EH, int symmetry) {
  return X_SH * SymmetricTurn(BestTurn(X_SH, X_EH, symmetry)) * X_EH.Inverse();
}

SegmentTransform::SegmentTransform(const Pose& X_WO_now, const Pose& X_WO_src, double turn)
    : identity_(turn == 0 && X_WO_now == X_WO_src) {
  if (!identity_) X_now_src_ = X_WO_now * (X_WO_src * SymmetricTurn(turn)).Inverse();
}

}  // namespace understudy
