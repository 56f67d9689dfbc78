#include "mimic/run/reach.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace understudy {
namespace {

constexpr double kStands = 0.01;  // m that an object may have moved before its subtask
constexpr double kRegrasp = 0.2;  // m that another grasp of what is carried may move the hand

// The place of a reset range that is nearest to the robot's base.
Eigen::Vector3d NearestStart(const ResetVariant& variant, const PlacementRange& range,
                             const Eigen::Vector3d& p_WB) {
  const Eigen::Vector3d p = p_WB - variant.origin;
  return variant.origin + Eigen::Vector3d(std::clamp(p.x(), range.x[0], range.x[1]),
                                          std::clamp(p.y(), range.y[0], range.y[1]), range.z);
}

// How far the hand stays from where object `o` stands when subtask `i` begins, at the least; any
// offsets of its ends allowed for. Infinite where the object is moved before that.
double NearestHand(const SourceDemo& demo, size_t i, int o) {
  const int length = demo.length();
  const int start = i == 0 ? 0 : demo.ends[i - 1];
  const int first = i == 0 ? 0 : std::max(0, start + demo.offsets[i - 1][0]);
  const int last = std::min(length, demo.ends[i] + demo.offsets[i][1]);
  const Eigen::Vector3d p_WO = demo.X_WO[o][std::min(start, length - 1)].translation();
  double nearest = std::numeric_limits<double>::infinity();
  if ((p_WO - demo.X_WO[o][0].translation()).norm() > kStands) return nearest;
  for (int t = first; t < last; ++t) {
    nearest = std::min(nearest, (demo.arms[0].X_WE[t].translation() - p_WO).norm());
  }
  return nearest;
}

}  // namespace

std::vector<std::string> UnreachableStarts(const SourceSet& sources, const TaskSpec& task,
                                           const std::string& variant, const SimulatorInfo& info,
                                           double margin) {
  std::vector<std::string> problems;
  // several arms may hand over what one of them does not reach
  if (info.arms.size() != 1) return problems;
  const ResetVariant& ranges = task.variants.at(variant);
  for (size_t i = 0; i < task.subtasks.size(); ++i) {
    const Subtask& subtask = task.subtasks[i];
    const int o = sources.subtask_objects()[i];
    // a part stands where what it hangs from is
    const PlacementRange* range = PlacementOf(ranges, subtask.object);
    if (o < 0 || range == nullptr) continue;
    const Eigen::Vector3d p_WO = NearestStart(ranges, *range, info.base(0).translation());
    const double distance = (p_WO - info.base(0).translation()).norm();
    const double free = margin + (subtask.replay == Replayed::kHeld ? kRegrasp : 0);
    const bool reached =
        std::any_of(sources.demos().begin(), sources.demos().end(), [&](const SourceDemo& demo) {
          return distance - NearestHand(demo, i, o) <= info.workspace_radius + free;
        });
    if (reached) continue;
    problems.push_back(
        fmt::format("subtasks[{}]: '{}' starts {:.3f} m or more from the robot's base, which "
                    "reaches {:.3f} m",
                    i, subtask.object, distance, info.workspace_radius));
  }
  return problems;
}

}  // namespace understudy
