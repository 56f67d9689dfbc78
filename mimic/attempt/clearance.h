#pragma once

#include <Eigen/Geometry>
#include <vector>

#include "core/geometry/pose.h"
#include "core/seam/simulator.h"
#include "mimic/attempt/carried.h"
#include "mimic/attempt/transform.h"
#include "mimic/sources/source_set.h"

namespace understudy {

// Rows [start, end) of a demonstration, carried to where their object is now.
struct SegmentRows {
  const SourceDemo& demo;
  int start = 0, end = 0;
  SegmentTransform transform;
  std::vector<Pose> X_SE;  // our hands in the source's (CarryHand)
  int arm = kAllArms;      // the arms that follow them (IsMeant)

  // Where our hand of `arm` goes in place of where the source's was measured at row `t`.
  Pose X_WE(size_t arm, int t) const {
    return CarryHand(transform, X_SE, demo.arms[arm].X_WE[t], arm, t);
  }
};

// An object that hands should keep clear of.
struct Neighbour {
  Eigen::Vector3d p_WO = Eigen::Vector3d::Zero();
  double radius = 0;  // m
};

// Whether an open hand whose E stands at X_WE puts a finger (`fingers_E`: boxes in E, m) where an
// object is: a disc of its radius about its origin, across z of E and as deep as it is wide. Coarse
// on purpose: it decides which of several grasps is tried, not whether one is possible.
bool FingersMeet(const std::vector<Eigen::AlignedBox3d>& fingers_E, const Pose& X_WE,
                 const Neighbour& neighbour);

// Whether the open fingers of the free hands that follow the rows keep clear of all neighbours
// until they close.
bool FingersStayFree(const SegmentRows& rows, const std::vector<Carried>& carried,
                     const std::vector<Eigen::AlignedBox3d>& fingers_E,
                     const std::vector<Neighbour>& neighbours);

// The narrowest gap (m) that the shapes of the open hand keep from `parts` in the rows that
// FingersStayFree looks at; below 0 inside them. Gaps wider than kWideGap are not told apart.
constexpr double kWideGap = 0.02;  // m
double HandGap(const SegmentRows& rows, const std::vector<Carried>& carried,
               const std::vector<Box>& hand_E, const std::vector<Box>& parts);

// Whether the rows stay within reach of the arms that follow them.
bool WithinReach(const SegmentRows& rows, const SimulatorInfo& info);

}  // namespace understudy
