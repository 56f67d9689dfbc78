#include "mimic/clearance.h"

#include <algorithm>
#include <cmath>

namespace understudy {

bool FingersMeet(const std::vector<Eigen::AlignedBox3d>& fingers_E, const Pose& X_WE,
                 const Eigen::Vector3d& p_WO, double radius) {
  const Eigen::Vector3d p_EO = X_WE.Inverse() * p_WO;
  return std::any_of(fingers_E.begin(), fingers_E.end(), [&](const Eigen::AlignedBox3d& finger) {
    const Eigen::Vector3d nearest = p_EO.cwiseMax(finger.min()).cwiseMin(finger.max());
    const Eigen::Vector3d away = (p_EO - nearest).cwiseAbs();
    return std::hypot(away.x(), away.y()) < radius && away.z() < radius;
  });
}

}  // namespace understudy
