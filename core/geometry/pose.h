#pragma once

#include <Eigen/Core>
#include <Eigen/Geometry>
#include <string>
#include <vector>

#include "core/base/json.h"

namespace understudy {

using Vector6d = Eigen::Matrix<double, 6, 1>;

// X_AB: where frame B stands in frame A, and at once the operator that takes coordinates in B to
// coordinates in A: p_AP = X_AB * p_BP, X_AC = X_AB * X_BC (inner letters must match; the type
// cannot check them). Metres; a unit quaternion, renormalised by every operation that could drift.
// Not a 4x4 matrix, and not Eigen::Isometry3d: that one may silently hold a non-rotation.
class Pose {
 public:
  Pose() = default;
  // `q_AB` is normalised; requires finite numbers and a norm above 1e-6.
  Pose(const Eigen::Quaterniond& q_AB, const Eigen::Vector3d& p_AB);
  static Pose FromTranslation(const Eigen::Vector3d& p_AB);
  // Requires an orthonormal upper-left block (to 1e-6) and a last row of 0 0 0 1.
  static Pose FromMatrix(const Eigen::Matrix4d& X_AB);
  // Axis-angle vector `rotvec` (axis in A, length = angle in rad).
  static Pose FromRotvec(const Eigen::Vector3d& rotvec, const Eigen::Vector3d& p_AB);

  const Eigen::Quaterniond& rotation() const { return q_; }  // q_AB
  const Eigen::Vector3d& translation() const { return p_; }  // p_AB
  Eigen::Matrix4d Matrix() const;

  Pose operator*(const Pose& X_BC) const;
  Eigen::Vector3d operator*(const Eigen::Vector3d& p_BP) const { return q_ * p_BP + p_; }
  Pose Inverse() const;  // X_BA

  // Exactly equal numbers: bit-exactness tests use it. For geometry use AngleTo and distances.
  bool operator==(const Pose& other) const;

 private:
  Eigen::Quaterniond q_ = Eigen::Quaterniond::Identity();
  Eigen::Vector3d p_ = Eigen::Vector3d::Zero();
};

// Axis-angle vector of a rotation, angle in [0, pi]; exact near 0, either sign at pi.
Eigen::Vector3d RotationLog(const Eigen::Quaterniond& q);
Eigen::Quaterniond RotationExp(const Eigen::Vector3d& rotvec);

// Angle in [0, pi] between two orientations.
double AngleBetween(const Eigen::Quaterniond& a, const Eigen::Quaterniond& b);

// SE(3) logarithm and exponential, twist = [linear; angular] (Lynch & Park, Modern Robotics, 3.3).
Vector6d PoseLog(const Pose& X);
Pose PoseExp(const Vector6d& twist);

// Straight line in position, shorter arc in orientation; fraction 0 gives X_AB0, 1 gives X_AB1.
Pose Interpolate(const Pose& X_AB0, const Pose& X_AB1, double fraction);

// Rotation by `yaw` (rad) about A's z axis, at p_AB.
Pose PoseFromYaw(double yaw, const Eigen::Vector3d& p_AB);

// In files (core/base/options.h): {p: [x, y, z], q: [w, x, y, z]}. Reading keeps the part that
// `json` does not name; what is wrong is appended to `problems`, under `path`.
Json WriteForm(const Pose& X_AB);
void ReadForm(const Json& json, Pose& X_AB, const std::string& path,
              std::vector<std::string>& problems);

}  // namespace understudy
