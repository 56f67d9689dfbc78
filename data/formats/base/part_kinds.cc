#include "data/formats/base/part_kinds.h"

#include <cmath>

#include "core/geometry/pose.h"

namespace understudy {

bool IsRotation(PartKind kind) {
  return kind >= PartKind::kQuaternionXyzw && kind <= PartKind::kRotation6dColumns;
}

int SizeOf(PartKind kind) {
  switch (kind) {
    case PartKind::kPosition:
    case PartKind::kRotationVector:
    case PartKind::kEulerXyz:
      return 3;
    case PartKind::kQuaternionXyzw:
    case PartKind::kQuaternionWxyz:
      return 4;
    case PartKind::kRotation6dRows:
    case PartKind::kRotation6dColumns:
      return 6;
    case PartKind::kNumbers:
    case PartKind::kJoints:
    case PartKind::kGripper:
      return 0;
  }
  return 0;
}

std::optional<Eigen::Quaterniond> RotationOf(PartKind kind, const double* v) {
  using V3 = Eigen::Vector3d;
  const auto unit = [](const Eigen::Quaterniond& q) -> std::optional<Eigen::Quaterniond> {
    if (!std::isfinite(q.norm()) || q.norm() < 1e-6) return std::nullopt;
    return q.normalized();
  };
  switch (kind) {
    case PartKind::kQuaternionXyzw:
      return unit({v[3], v[0], v[1], v[2]});
    case PartKind::kQuaternionWxyz:
      return unit({v[0], v[1], v[2], v[3]});
    case PartKind::kRotationVector:
      return unit(RotationExp(V3(v[0], v[1], v[2])));
    case PartKind::kEulerXyz:
      return unit(Eigen::AngleAxisd(v[2], V3::UnitZ()) * Eigen::AngleAxisd(v[1], V3::UnitY()) *
                  Eigen::AngleAxisd(v[0], V3::UnitX()));
    case PartKind::kRotation6dRows:
    case PartKind::kRotation6dColumns: {
      // Gram and Schmidt
      const V3 a(v[0], v[1], v[2]), b(v[3], v[4], v[5]);
      if (!(a.norm() > 1e-6)) return std::nullopt;
      const V3 x = a.normalized(), rest = b - x.dot(b) * x;
      if (!(rest.norm() > 1e-6)) return std::nullopt;
      const V3 y = rest.normalized();
      Eigen::Matrix3d R;
      R << x, y, x.cross(y);
      if (kind == PartKind::kRotation6dRows) R.transposeInPlace();
      return unit(Eigen::Quaterniond(R));
    }
    default:
      return std::nullopt;
  }
}

}  // namespace understudy
