#include "mimic/attempt/stitch.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"

namespace understudy {

Bridge::Bridge(const Pose& from, const Pose& to, double arch) : from_(from), to_(to) {
  const Eigen::Vector3d way = to.translation() - from.translation();
  rise_ = arch > 0 ? std::max(0.0, way.z()) + arch : -1;
  across_ = way.head<2>().norm();
  length_ = rise_ < 0 ? way.norm() : rise_ + across_ + (rise_ - way.z());
}

Pose Bridge::At(double fraction) const {
  if (rise_ < 0 || fraction <= 0 || fraction >= 1) return Interpolate(from_, to_, fraction);
  // how far up, across and down the way has come
  const double gone = fraction * length_;
  const double up = std::min(gone, rise_);
  const double over = std::clamp(gone - rise_, 0.0, across_);
  const double down = std::max(0.0, gone - rise_ - across_);
  Eigen::Vector3d p = from_.translation();
  if (across_ > 0) {
    const Eigen::Vector3d way = to_.translation() - from_.translation();
    p.head<2>() += over / across_ * way.head<2>();
  }
  p.z() += up - down;
  return Pose(Interpolate(from_, to_, fraction).rotation(), p);
}

std::vector<Pose> Bridge::corners() const {
  if (rise_ < 0) return {from_, to_};
  return {from_, At(rise_ / length_), At((rise_ + across_) / length_), to_};
}

int BridgeLength(const Pose& from, const Pose& to, const Subtask& subtask) {
  const double distance = Bridge(from, to, subtask.bridge_arch).length();
  const double angle = AngleBetween(from.rotation(), to.rotation());
  // a whole number of steps stays whole in spite of rounding
  const double steps =
      std::max(distance / subtask.bridge_speed, angle / subtask.bridge_turn) - 1e-9;
  return std::max({1, subtask.bridge_steps, static_cast<int>(std::ceil(steps))});
}

int ReplayStart(const SourceDemo& source, int start, int end, int object, double within, int arm) {
  if (object < 0 || within == 0) return start;
  for (int t = start; t < end; ++t) {
    bool near = false;
    for (size_t i = 0; i < source.arms.size(); ++i) {
      if (!IsMeant(arm, i)) continue;
      const SourceDemo::Arm& rows = source.arms[i];
      if ((rows.gripper[t] > 0) != (rows.gripper[start] > 0)) return start;
      const Pose& X_WO = source.X_WO[object][t];
      near |= (rows.X_WE[t].translation() - X_WO.translation()).norm() <= within;
    }
    if (near) return t;
  }
  return start;
}

int ReplayEnd(const SourceDemo& source, int start, int end, double until, int arm) {
  if (until == 0) return end;
  // the last row at which any gripper turns
  int turned = -1;
  for (size_t i = 0; i < source.arms.size(); ++i) {
    if (!IsMeant(arm, i)) continue;
    const SourceDemo::Arm& rows = source.arms[i];
    for (int t = start + 1; t < end; ++t) {
      if ((rows.gripper[t] > 0) != (rows.gripper[t - 1] > 0)) turned = std::max(turned, t);
    }
  }
  if (turned < 0) return end;
  for (int t = turned; t < end; ++t) {
    for (size_t i = 0; i < source.arms.size(); ++i) {
      if (!IsMeant(arm, i)) continue;
      const SourceDemo::Arm& rows = source.arms[i];
      const Eigen::Vector3d way = rows.X_WE[t].translation() - rows.X_WE[turned].translation();
      if (way.norm() >= until) return t + 1;
    }
  }
  return end;
}

void PlanSubtask(const SourceDemo& source, int start, int end, const SegmentTransform& transform,
                 const std::vector<Pose>& X_SE, const Action& last, const Subtask& subtask,
                 std::vector<Waypoint>* plan) {
  Require(start >= 0 && start < end && end <= source.length(), "a segment lies in its source");
  Require(last.arms.size() == source.arms.size(), "source and command have the same arms");
  const size_t arms = source.arms.size();
  Require(X_SE.empty() || X_SE.size() == arms, "a hand change per arm, or none");

  // the slowest arm sets the length of the bridge; who has no part in it stays
  std::vector<Bridge> ways;
  int bridge = 1;
  for (size_t i = 0; i < arms; ++i) {
    if (!IsMeant(subtask.arm, i)) {
      ways.emplace_back(last.arms[i].X_WE_cmd, last.arms[i].X_WE_cmd, 0);
      continue;
    }
    const Pose X_WE_first = CarryHand(transform, X_SE, source.arms[i].X_WE[start], i, start);
    ways.emplace_back(last.arms[i].X_WE_cmd, X_WE_first, subtask.bridge_arch);
    bridge = std::max(bridge, BridgeLength(last.arms[i].X_WE_cmd, X_WE_first, subtask));
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
      const Pose X_WE = ways[i].At(fraction);
      waypoint.target.arms[i] = {X_WE, last.arms[i].gripper};
      waypoint.X_WE_arrived[i] = X_WE;
    }
  }
  for (int t = start; t < end; ++t) {
    Waypoint& waypoint = (*plan)[bridge + t - start];
    waypoint.label = StepLabel::kSegment;
    waypoint.source_step = source.FileRow(t);
    waypoint.led = true;
    waypoint.target.arms.resize(arms);
    waypoint.X_WE_arrived.resize(arms);
    for (size_t i = 0; i < arms; ++i) {
      if (!IsMeant(subtask.arm, i)) {
        waypoint.target.arms[i] = last.arms[i];
        waypoint.X_WE_arrived[i] = last.arms[i].X_WE_cmd;
        continue;
      }
      waypoint.target.arms[i] = {CarryHand(transform, X_SE, source.arms[i].X_WE_cmd[t], i, t),
                                 source.arms[i].gripper[t]};
      waypoint.X_WE_arrived[i] = CarryHand(transform, X_SE, source.arms[i].X_WE[t], i, t);
    }
  }
}

}  // namespace understudy
