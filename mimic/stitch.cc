#include "mimic/stitch.h"

#include <algorithm>
#include <cmath>

#include "data/base/error.h"

namespace understudy {

int BridgeLength(const Pose& from, const Pose& to, const Subtask& subtask) {
  const double distance = (to.translation() - from.translation()).norm();
  const double angle = AngleBetween(from.rotation(), to.rotation());
  // a whole number of steps stays whole in spite of rounding
  const double steps =
      std::max(distance / subtask.bridge_speed, angle / subtask.bridge_turn) - 1e-9;
  return std::max({1, subtask.bridge_steps, static_cast<int>(std::ceil(steps))});
}

int ReplayStart(const SourceDemo& source, int start, int end, int object, double within) {
  if (object < 0 || within == 0) return start;
  for (int t = start; t < end; ++t) {
    bool near = false;
    for (const SourceDemo::Arm& arm : source.arms) {
      if ((arm.gripper[t] > 0) != (arm.gripper[start] > 0)) return start;
      const Pose& X_WO = source.X_WO[object][t];
      near |= (arm.X_WE[t].translation() - X_WO.translation()).norm() <= within;
    }
    if (near) return t;
  }
  return start;
}

void PlanSubtask(const SourceDemo& source, int start, int end, const SegmentTransform& transform,
                 const Action& last, const Subtask& subtask, std::vector<Waypoint>* plan) {
  Require(start >= 0 && start < end && end <= source.length(), "a segment lies in its source");
  Require(last.arms.size() == source.arms.size(), "source and command have the same arms");
  const size_t arms = source.arms.size();

  // the slowest arm sets the length of the bridge
  std::vector<Pose> X_WE_first(arms);
  int bridge = 1;
  for (size_t i = 0; i < arms; ++i) {
    X_WE_first[i] = transform(source.arms[i].X_WE[start]);
    bridge = std::max(bridge, BridgeLength(last.arms[i].X_WE_cmd, X_WE_first[i], subtask));
  }

  plan->resize(bridge + end - start);
  for (int k = 0; k < bridge; ++k) {
    Waypoint& waypoint = (*plan)[k];
    waypoint.label = StepLabel::kBridge;
    waypoint.source_step = -1;
    waypoint.target.arms.resize(arms);
    waypoint.X_WE_arrived.resize(arms);
    for (size_t i = 0; i < arms; ++i) {
      const double fraction = k + 1 == bridge ? 1 : static_cast<double>(k + 1) / bridge;
      const Pose X_WE = Interpolate(last.arms[i].X_WE_cmd, X_WE_first[i], fraction);
      waypoint.target.arms[i] = {X_WE, last.arms[i].gripper};
      waypoint.X_WE_arrived[i] = X_WE;
    }
  }
  for (int t = start; t < end; ++t) {
    Waypoint& waypoint = (*plan)[bridge + t - start];
    waypoint.label = StepLabel::kSegment;
    waypoint.source_step = t;
    waypoint.target.arms.resize(arms);
    waypoint.X_WE_arrived.resize(arms);
    for (size_t i = 0; i < arms; ++i) {
      waypoint.target.arms[i] = {transform(source.arms[i].X_WE_cmd[t]), source.arms[i].gripper[t]};
      waypoint.X_WE_arrived[i] = transform(source.arms[i].X_WE[t]);
    }
  }
}

}  // namespace understudy
