#include "mimic/run/reach.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>

#include "mimic/attempt/transform.h"

namespace understudy {
namespace {

constexpr double kStands = 0.01;     // m that an object may have moved before its subtask
constexpr double kRegrasp = 0.2;     // m that another grasp of what is carried may move the hand
constexpr double kReached = 0.005;   // m
constexpr double kSamePlace = 0.05;  // m between a gripper event and where the hand is nearest
constexpr int kTriedStarts = 8;      // that are looked at

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

// What a hand does where its orientation counts.
enum class Deed { kGrip, kPush };

// The rows of subtask `i`, any offsets of its ends left out, at which `arm` does that: its gripper
// turns around; or it is nearest to its object `o` (-1: none), and does not grip there.
std::vector<int> RowsOf(Deed deed, const SourceDemo& demo, size_t i, int o, size_t arm) {
  std::vector<int> rows;
  const SourceDemo::Arm& hand = demo.arms[arm];
  const int start = i == 0 ? 0 : demo.ends[i - 1], end = std::min(demo.ends[i], demo.length());
  for (int t = std::max(1, start); t < end; ++t) {
    if ((hand.gripper[t] > 0) != (hand.gripper[t - 1] > 0)) rows.push_back(t);
  }
  if (deed == Deed::kGrip) return rows;
  if (o < 0 || start >= end) return {};
  const auto place = [&](int t) { return hand.X_WE[t].translation(); };
  const auto away = [&](int t) { return (place(t) - demo.X_WO[o][t].translation()).norm(); };
  int nearest = start;
  for (int t = start; t < end; ++t) {
    if (away(t) < away(nearest)) nearest = t;
  }
  const bool grips_there = std::any_of(rows.begin(), rows.end(), [&](int event) {
    return (place(event) - place(nearest)).norm() < kSamePlace;
  });
  return grips_there ? std::vector<int>{} : std::vector<int>{nearest};
}

// The largest angle that the hands stay off at a deed in subtask `i` of a source, from where things
// are now; none where there is none, not all of it is within reach, or that is not known.
std::optional<double> TiltAt(Deed deed, const SourceDemo& demo, const TaskSpec& task, size_t i,
                             int o, const Simulator& simulator) {
  const int start = i == 0 ? 0 : demo.ends[i - 1];
  SegmentTransform transform;
  if (o >= 0) {
    const Pose& X_WO_src = demo.X_WO[o][std::min(start, demo.length() - 1)];
    if ((X_WO_src.translation() - demo.X_WO[o][0].translation()).norm() > kStands) return {};
    const Pose& X_WO_now = simulator.Observe().X_WO[o];
    const int symmetry = task.objects.at(task.subtasks[i].object).symmetry;
    transform = SegmentTransform(X_WO_now, X_WO_src, BestTurn(X_WO_src, X_WO_now, symmetry));
  }
  std::optional<double> worst;
  for (size_t arm = 0; arm < demo.arms.size(); ++arm) {
    if (!IsMeant(task.subtasks[i].arm, arm)) continue;
    const SourceDemo::Arm& hand = demo.arms[arm];
    for (const int t : RowsOf(deed, demo, i, o, arm)) {
      // what is pushed gives way to the hand, and the command may lie behind it
      const Pose X_WE = transform(deed == Deed::kPush ? hand.X_WE[t] : hand.X_WE_cmd[t]);
      const Pose X_WE_near = simulator.Nearest(arm, X_WE);
      if ((X_WE_near.translation() - X_WE.translation()).norm() > kReached) return {};
      worst = std::max(worst.value_or(0), AngleBetween(X_WE_near.rotation(), X_WE.rotation()));
    }
  }
  return worst;
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

OrientationCheck CheckOrientations(const SourceSet& sources, const TaskSpec& task,
                                   const std::string& variant, Simulator& simulator,
                                   double arrival_angle) {
  OrientationCheck check;
  const SimulatorInfo& info = simulator.info();
  if (info.tilt == 0) return check;
  const double allowed = arrival_angle + info.tilt;
  constexpr double kNever = std::numeric_limits<double>::infinity();
  // how often no source suits, by deed and subtask
  struct Tally {
    double least = kNever;       // rad that the best source stays off, of all starts
    int known = 0, in_vain = 0;  // starts; those from which no source suits
  };
  std::map<Deed, std::vector<Tally>> tallies;
  for (int n = 0; n < kTriedStarts; ++n) {
    simulator.Reset(variant,
                    RngKey{}.WithStage("mimic reach").WithParent(static_cast<uint64_t>(n)));
    for (const Deed deed : {Deed::kGrip, Deed::kPush}) {
      tallies[deed].resize(task.subtasks.size());
      for (size_t i = 0; i < task.subtasks.size(); ++i) {
        double best = kNever;
        for (const SourceDemo& demo : sources.demos()) {
          const auto tilt = TiltAt(deed, demo, task, i, sources.subtask_objects()[i], simulator);
          best = std::min(best, tilt.value_or(kNever));
          if (best <= allowed) break;
        }
        Tally& tally = tallies[deed][i];
        tally.known += best < kNever;
        tally.in_vain += best < kNever && best > allowed;
        tally.least = std::min(tally.least, best);
      }
    }
  }
  for (const auto& [deed, by_subtask] : tallies) {
    for (size_t i = 0; i < by_subtask.size(); ++i) {
      const Tally& tally = by_subtask[i];
      if (tally.in_vain == 0 || 2 * tally.in_vain < tally.known) continue;
      if (deed == Deed::kPush) {
        check.said.push_back(fmt::format(
            "subtasks[{}]: where the hand pushes, it stays {:.2f} rad or more off the sources' "
            "orientations, from {} of {} starts, and {:.2f} are expected at most "
            "(generate.arrival_angle and the robot's tilt): it touches otherwise than they do",
            i, tally.least, tally.in_vain, kTriedStarts, allowed));
        continue;
      }
      const std::string counts = fmt::format(
          "rad off the orientations of the sources' gripper events, and {:.2f} count as arrived "
          "(generate.arrival_angle and the robot's tilt)",
          allowed);
      if (tally.in_vain == tally.known) {
        check.never.push_back(
            fmt::format("subtasks[{}]: the hand stays {:.2f} {}", i, tally.least, counts));
      } else {
        check.said.push_back(
            fmt::format("subtasks[{}]: from {} of {} starts the hand stays more {}", i,
                        tally.in_vain, kTriedStarts, counts));
      }
    }
  }
  return check;
}

}  // namespace understudy
