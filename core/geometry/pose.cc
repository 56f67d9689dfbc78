#include "core/geometry/pose.h"

#include <cmath>

#include "core/base/error.h"

namespace understudy {
namespace {

Eigen::Matrix3d Skew(const Eigen::Vector3d& v) {
  Eigen::Matrix3d m;
  m << 0, -v.z(), v.y(), v.z(), 0, -v.x(), -v.y(), v.x(), 0;
  return m;
}

}  // namespace

Pose::Pose(const Eigen::Quaterniond& q_AB, const Eigen::Vector3d& p_AB) : q_(q_AB), p_(p_AB) {
  const double norm = q_.norm();
  Require(std::isfinite(norm) && norm > 1e-6 && p_.allFinite(),
          "a pose needs finite numbers and a quaternion of non-zero norm");
  // leave an already normalised quaternion untouched: storing and reading must not change bits
  if (std::abs(norm - 1) > 1e-15) q_.coeffs() /= norm;
}

Pose Pose::FromTranslation(const Eigen::Vector3d& p_AB) {
  return Pose(Eigen::Quaterniond::Identity(), p_AB);
}

Pose Pose::FromMatrix(const Eigen::Matrix4d& X_AB) {
  const Eigen::Matrix3d R = X_AB.topLeftCorner<3, 3>();
  Require(X_AB.allFinite() && (R * R.transpose() - Eigen::Matrix3d::Identity()).norm() < 1e-6 &&
              R.determinant() > 0 && X_AB.row(3) == Eigen::RowVector4d(0, 0, 0, 1),
          "a pose matrix needs a rotation and a last row of 0 0 0 1");
  return Pose(Eigen::Quaterniond(R), X_AB.topRightCorner<3, 1>());
}

Pose Pose::FromRotvec(const Eigen::Vector3d& rotvec, const Eigen::Vector3d& p_AB) {
  return Pose(RotationExp(rotvec), p_AB);
}

Eigen::Matrix4d Pose::Matrix() const {
  Eigen::Matrix4d X = Eigen::Matrix4d::Identity();
  X.topLeftCorner<3, 3>() = q_.toRotationMatrix();
  X.topRightCorner<3, 1>() = p_;
  return X;
}

Pose Pose::operator*(const Pose& X_BC) const { return Pose(q_ * X_BC.q_, q_ * X_BC.p_ + p_); }

Pose Pose::Inverse() const {
  const Eigen::Quaterniond q_BA = q_.conjugate();
  return Pose(q_BA, -(q_BA * p_));
}

bool Pose::operator==(const Pose& other) const {
  return q_.coeffs() == other.q_.coeffs() && p_ == other.p_;
}

Eigen::Vector3d RotationLog(const Eigen::Quaterniond& q) {
  // the half of the double cover with the smaller angle
  const double sign = q.w() < 0 ? -1 : 1;
  const Eigen::Vector3d v = sign * q.vec();
  const double sine = v.norm();
  const double cosine = sign * q.w();
  // angle / sin(angle / 2) tends to 2 / cos(angle / 2)
  if (sine < 1e-9) return 2 * v / cosine;
  return 2 * std::atan2(sine, cosine) / sine * v;
}

Eigen::Quaterniond RotationExp(const Eigen::Vector3d& rotvec) {
  const double angle = rotvec.norm();
  const double half = 0.5 * angle;
  const double scale = angle < 1e-9 ? 0.5 : std::sin(half) / angle;
  Eigen::Quaterniond q;
  q.w() = std::cos(half);
  q.vec() = scale * rotvec;
  return q.normalized();
}

double AngleBetween(const Eigen::Quaterniond& a, const Eigen::Quaterniond& b) {
  return RotationLog(a.conjugate() * b).norm();
}

Vector6d PoseLog(const Pose& X) {
  const Eigen::Vector3d w = RotationLog(X.rotation());
  const double angle = w.norm();
  // inverse of the left Jacobian; its series near zero
  const double c = angle < 1e-4 ? 1.0 / 12 + angle * angle / 720
                                : (1 - 0.5 * angle / std::tan(0.5 * angle)) / (angle * angle);
  const Eigen::Matrix3d W = Skew(w);
  Vector6d twist;
  twist.head<3>() = X.translation() - 0.5 * W * X.translation() + c * W * W * X.translation();
  twist.tail<3>() = w;
  return twist;
}

Pose PoseExp(const Vector6d& twist) {
  const Eigen::Vector3d v = twist.head<3>(), w = twist.tail<3>();
  const double angle = w.norm();
  const double a2 = angle * angle;
  const bool tiny = angle < 1e-4;
  const double b = tiny ? 0.5 - a2 / 24 : (1 - std::cos(angle)) / a2;
  const double c = tiny ? 1.0 / 6 - a2 / 120 : (angle - std::sin(angle)) / (a2 * angle);
  const Eigen::Matrix3d W = Skew(w);
  return Pose(RotationExp(w), v + b * W * v + c * W * W * v);
}

Pose Interpolate(const Pose& X_AB0, const Pose& X_AB1, double fraction) {
  if (fraction == 0) return X_AB0;
  if (fraction == 1) return X_AB1;
  const Eigen::Vector3d arc = RotationLog(X_AB0.rotation().conjugate() * X_AB1.rotation());
  return Pose(X_AB0.rotation() * RotationExp(fraction * arc),
              X_AB0.translation() + fraction * (X_AB1.translation() - X_AB0.translation()));
}

Pose PoseFromYaw(double yaw, const Eigen::Vector3d& p_AB) {
  return Pose(RotationExp({0, 0, yaw}), p_AB);
}

}  // namespace understudy
