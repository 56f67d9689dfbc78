#include "mimic/attempt/transit.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "core/base/error.h"

namespace understudy {

bool NeedsPlanner(const TaskSpec& task) {
  return std::any_of(task.subtasks.begin(), task.subtasks.end(),
                     [](const Subtask& subtask) { return subtask.transit == Transit::kPlan; });
}

std::vector<Pose> DrawStarts(const Pose& X_WE_first, const Subtask& subtask, int count, Rng& rng) {
  std::vector<Pose> starts;
  if (subtask.start_shift == 0 && subtask.start_turn == 0) return starts;
  for (int i = 0; i < count; ++i) {
    Eigen::Vector3d shift, axis;
    for (double& s : shift) s = rng.Uniform(-subtask.start_shift, subtask.start_shift);
    for (double& a : axis) a = rng.Normal();
    const double turn = rng.Uniform(0, subtask.start_turn);
    starts.emplace_back(RotationExp(turn * axis.normalized()) * X_WE_first.rotation(),
                        X_WE_first.translation() + shift);
  }
  return starts;
}

std::vector<Waypoint> FollowWay(const std::vector<Pose>& X_WE, const Subtask& subtask,
                                const Action& last) {
  Require(X_WE.size() >= 2, "a way has two ends");
  Require(last.arms.size() == 1, "a way is that of one arm");

  // how many steps have gone by at each pose
  std::vector<double> steps{0};
  for (size_t i = 1; i < X_WE.size(); ++i) {
    const double distance = (X_WE[i].translation() - X_WE[i - 1].translation()).norm();
    const double angle = AngleBetween(X_WE[i].rotation(), X_WE[i - 1].rotation());
    steps.push_back(steps.back() +
                    std::max(distance / subtask.bridge_speed, angle / subtask.bridge_turn));
  }
  const int count =
      std::max({1, subtask.bridge_steps, static_cast<int>(std::ceil(steps.back() - 1e-9))});

  // evenly along it
  std::vector<Waypoint> way(count);
  size_t next = 1;
  for (int k = 1; k <= count; ++k) {
    const double at = steps.back() * k / count;
    while (next + 1 < X_WE.size() && steps[next] < at) ++next;
    const double length = steps[next] - steps[next - 1];
    const double fraction = k == count || length <= 0 ? 1 : (at - steps[next - 1]) / length;
    const Pose X_WE_cmd =
        k == count ? X_WE.back() : Interpolate(X_WE[next - 1], X_WE[next], fraction);
    way[k - 1].target = last;
    way[k - 1].target.arms[0].X_WE_cmd = X_WE_cmd;
    way[k - 1].X_WE_arrived = {X_WE_cmd};
    way[k - 1].label = StepLabel::kBridge;
  }
  return way;
}

void ReplaceBridge(std::vector<Waypoint> way, std::vector<Waypoint> recovery,
                   std::vector<Waypoint>* plan) {
  const auto segment = std::find_if(plan->begin(), plan->end(), [](const Waypoint& waypoint) {
    return waypoint.label == StepLabel::kSegment;
  });
  Require(segment != plan->end(), "a plan holds a segment");
  for (Waypoint& waypoint : recovery) {
    waypoint.label = StepLabel::kSegment;
    waypoint.source_step = segment->source_step;
  }
  way.insert(way.end(), std::make_move_iterator(recovery.begin()),
             std::make_move_iterator(recovery.end()));
  way.insert(way.end(), std::make_move_iterator(segment), std::make_move_iterator(plan->end()));
  *plan = std::move(way);
}

}  // namespace understudy
