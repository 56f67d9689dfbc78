#include "mimic/attempt/clearance.h"

#include <algorithm>
#include <cmath>

namespace understudy {

bool FingersMeet(const std::vector<Eigen::AlignedBox3d>& fingers_E, const Pose& X_WE,
                 const Neighbour& neighbour) {
  const Eigen::Vector3d p_EO = X_WE.Inverse() * neighbour.p_WO;
  return std::any_of(fingers_E.begin(), fingers_E.end(), [&](const Eigen::AlignedBox3d& finger) {
    const Eigen::Vector3d nearest = p_EO.cwiseMax(finger.min()).cwiseMin(finger.max());
    const Eigen::Vector3d away = (p_EO - nearest).cwiseAbs();
    return std::hypot(away.x(), away.y()) < neighbour.radius && away.z() < neighbour.radius;
  });
}

bool FingersStayFree(const SegmentRows& rows, const std::vector<Carried>& carried,
                     const std::vector<Eigen::AlignedBox3d>& fingers_E,
                     const std::vector<Neighbour>& neighbours) {
  for (size_t i = 0; i < rows.demo.arms.size(); ++i) {
    if (carried[i].object >= 0 || !IsMeant(rows.arm, i)) continue;
    const std::vector<double>& gripper = rows.demo.arms[i].gripper;
    for (int t = rows.start; t < rows.end && gripper[t] <= 0; ++t) {
      const Pose X_WE = rows.X_WE(i, t);
      for (const Neighbour& neighbour : neighbours) {
        if (FingersMeet(fingers_E, X_WE, neighbour)) return false;
      }
    }
  }
  return true;
}

bool WithinReach(const SegmentRows& rows, const SimulatorInfo& info) {
  for (size_t i = 0; i < rows.demo.arms.size(); ++i) {
    if (!IsMeant(rows.arm, i)) continue;
    for (int t = rows.start; t < rows.end; ++t) {
      if (!info.Reaches(rows.X_WE(i, t).translation(), 0, i)) return false;
    }
  }
  return true;
}

}  // namespace understudy
