#include "core/geometry/rotation_form.h"

#include <algorithm>
#include <cmath>

#include "core/geometry/pose.h"

namespace understudy {
namespace {

// Gram and Schmidt.
std::optional<Eigen::Matrix3d> FromColumns(const Eigen::Vector3d& a, const Eigen::Vector3d& b) {
  if (!(a.norm() > 1e-6)) return std::nullopt;
  const Eigen::Vector3d x = a.normalized(), rest = b - x.dot(b) * x;
  if (!(rest.norm() > 1e-6)) return std::nullopt;
  const Eigen::Vector3d y = rest.normalized();
  Eigen::Matrix3d R;
  R << x, y, x.cross(y);
  return R;
}

}  // namespace

int NumbersOf(RotationForm form) {
  switch (form) {
    case RotationForm::kWxyz:
    case RotationForm::kXyzw:
      return 4;
    case RotationForm::k6dColumns:
    case RotationForm::k6dRows:
      return 6;
    case RotationForm::kAxisAngle:
    case RotationForm::kEulerXyz:
      return 3;
  }
  return 0;
}

std::vector<double> WriteRotation(const Eigen::Quaterniond& q, RotationForm form) {
  const Eigen::Matrix3d R = q.toRotationMatrix();
  switch (form) {
    case RotationForm::kWxyz:
      return {q.w(), q.x(), q.y(), q.z()};
    case RotationForm::kXyzw:
      return {q.x(), q.y(), q.z(), q.w()};
    case RotationForm::k6dColumns:
      return {R(0, 0), R(1, 0), R(2, 0), R(0, 1), R(1, 1), R(2, 1)};
    case RotationForm::k6dRows:
      return {R(0, 0), R(0, 1), R(0, 2), R(1, 0), R(1, 1), R(1, 2)};
    case RotationForm::kAxisAngle: {
      const Eigen::Vector3d turn = RotationLog(q);
      return {turn.x(), turn.y(), turn.z()};
    }
    case RotationForm::kEulerXyz: {
      // R = Rz Ry Rx
      const double pitch = std::asin(std::clamp(-R(2, 0), -1.0, 1.0));
      return {std::atan2(R(2, 1), R(2, 2)), pitch, std::atan2(R(1, 0), R(0, 0))};
    }
  }
  return {};
}

std::optional<Eigen::Quaterniond> ReadRotation(const double* n, RotationForm form) {
  Eigen::Quaterniond q = Eigen::Quaterniond::Identity();
  switch (form) {
    case RotationForm::kWxyz:
      q = {n[0], n[1], n[2], n[3]};
      break;
    case RotationForm::kXyzw:
      q = {n[3], n[0], n[1], n[2]};
      break;
    case RotationForm::k6dColumns:
    case RotationForm::k6dRows: {
      const std::optional<Eigen::Matrix3d> R = FromColumns({n[0], n[1], n[2]}, {n[3], n[4], n[5]});
      if (!R) return std::nullopt;
      q = form == RotationForm::k6dRows ? Eigen::Matrix3d(R->transpose()) : *R;
      break;
    }
    case RotationForm::kAxisAngle:
      q = RotationExp({n[0], n[1], n[2]});
      break;
    case RotationForm::kEulerXyz:
      q = Eigen::AngleAxisd(n[2], Eigen::Vector3d::UnitZ()) *
          Eigen::AngleAxisd(n[1], Eigen::Vector3d::UnitY()) *
          Eigen::AngleAxisd(n[0], Eigen::Vector3d::UnitX());
      break;
  }
  const double norm = q.norm();
  if (!std::isfinite(norm) || norm < 1e-6) return std::nullopt;
  return q.normalized();
}

}  // namespace understudy
