#include "core/geometry/box.h"

#include <algorithm>
#include <limits>

namespace understudy {

Eigen::AlignedBox3d BoundsOf(const Box& box) {
  const Eigen::Vector3d& middle = box.X_WB.translation();
  const Eigen::Vector3d reach = box.X_WB.rotation().toRotationMatrix().cwiseAbs() * box.half;
  return {middle - reach, middle + reach};
}

double BoxGap(const Box& a, const Box& b) {
  const Eigen::Matrix3d R_WA = a.X_WB.rotation().toRotationMatrix();
  const Eigen::Matrix3d R_WB = b.X_WB.rotation().toRotationMatrix();
  const Eigen::Vector3d way = b.X_WB.translation() - a.X_WB.translation();
  double widest = -std::numeric_limits<double>::infinity();
  const auto look_along = [&](const Eigen::Vector3d& axis) {
    const double gap = std::abs(way.dot(axis)) - (R_WA.transpose() * axis).cwiseAbs().dot(a.half) -
                       (R_WB.transpose() * axis).cwiseAbs().dot(b.half);
    widest = std::max(widest, gap);
  };
  // across the faces of either, and across an edge of each
  for (int i = 0; i < 3; ++i) {
    look_along(R_WA.col(i));
    look_along(R_WB.col(i));
    for (int j = 0; j < 3; ++j) {
      const Eigen::Vector3d across = R_WA.col(i).cross(R_WB.col(j));
      // edges along each other say nothing new
      if (across.squaredNorm() > 1e-9) look_along(across.normalized());
    }
  }
  return widest;
}

}  // namespace understudy
