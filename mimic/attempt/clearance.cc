#include "mimic/attempt/clearance.h"

#include <algorithm>
#include <cmath>

namespace understudy {
namespace {

// Calls visit(X_WE) of free hands at the rows before they close, until it returns false; whether it
// never did.
template <class Visitor>
bool ForOpenHands(const SegmentRows& rows, const std::vector<Carried>& carried,
                  const Visitor& visit) {
  for (size_t i = 0; i < rows.demo.arms.size(); ++i) {
    if (carried[i].object >= 0 || !IsMeant(rows.arm, i)) continue;
    const std::vector<double>& gripper = rows.demo.arms[i].gripper;
    for (int t = rows.start; t < rows.end && gripper[t] <= 0; ++t) {
      if (!visit(rows.X_WE(i, t))) return false;
    }
  }
  return true;
}

}  // namespace

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
  return ForOpenHands(rows, carried, [&](const Pose& X_WE) {
    return std::none_of(neighbours.begin(), neighbours.end(), [&](const Neighbour& neighbour) {
      return FingersMeet(fingers_E, X_WE, neighbour);
    });
  });
}

double HandGap(const SegmentRows& rows, const std::vector<Carried>& carried,
               const std::vector<Box>& hand_E, const std::vector<Box>& parts) {
  double narrowest = kWideGap;
  if (parts.empty()) return narrowest;
  ForOpenHands(rows, carried, [&](const Pose& X_WE) {
    for (const Box& shape : hand_E) {
      const Box box{X_WE * shape.X_WB, shape.half};
      for (const Box& part : parts) {
        const double between = (part.X_WB.translation() - box.X_WB.translation()).norm();
        if (between - box.half.norm() - part.half.norm() >= narrowest) continue;
        narrowest = std::min(narrowest, BoxGap(box, part));
      }
    }
    return true;
  });
  return narrowest;
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
