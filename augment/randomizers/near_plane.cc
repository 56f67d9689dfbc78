#include "augment/randomizers/near_plane.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace understudy {
namespace {

using Eigen::Vector3d;

constexpr double kWidest = 16.0 / 9;  // pictures
constexpr double kApart = 0.002;      // m, of the points that are looked at

bool Contains(const SceneInventory::Solid& solid, const Vector3d& p_S) {
  using Shape = SceneInventory::Solid::Shape;
  const Vector3d& size = solid.size;
  switch (solid.shape) {
    case Shape::kBox:
      return (p_S.cwiseAbs().array() <= size.array()).all();
    case Shape::kEllipsoid:
      return p_S.cwiseQuotient(size).squaredNorm() <= 1;
    case Shape::kCylinder:
      return p_S.head<2>().norm() <= size[0] && std::abs(p_S.z()) <= size[2];
    case Shape::kCapsule: {
      const double beyond = std::max(0.0, std::abs(p_S.z()) - size[2]);
      return std::hypot(p_S.x(), p_S.y(), beyond) <= size[0];
    }
    case Shape::kHalfSpace:
      return p_S.z() <= 0;
  }
  return false;
}

// Whether the near plane, as far as it is in view, has a point in the solid.
bool Cuts(const SceneInventory::Solid& solid, double near, const Pose& X_PC, double fovy_deg) {
  const double high = near * std::tan(fovy_deg * std::numbers::pi / 360), wide = kWidest * high;
  const Pose X_SC = solid.X_PS.Inverse() * X_PC;
  const int rows = 1 + static_cast<int>(std::ceil(2 * high / kApart));
  const int columns = 1 + static_cast<int>(std::ceil(2 * wide / kApart));
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < columns; ++j) {
      // a camera looks along -z
      const Vector3d p_C(wide * (2.0 * j / (columns - 1) - 1), high * (2.0 * i / (rows - 1) - 1),
                         -near);
      if (Contains(solid, X_SC * p_C)) return true;
    }
  }
  return false;
}

}  // namespace

std::string CutByNearPlane(const SceneInventory::Camera& camera, const Pose& X_PC,
                           double fovy_deg) {
  if (camera.near <= 0) return "";
  for (const SceneInventory::Solid& solid : camera.solids) {
    if (Cuts(solid, camera.near, X_PC, fovy_deg) &&
        !Cuts(solid, camera.near, camera.X_PC, camera.fovy_deg)) {
      return solid.name;
    }
  }
  return "";
}

}  // namespace understudy
