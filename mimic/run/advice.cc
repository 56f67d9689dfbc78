#include "mimic/run/advice.h"

#include <fmt/format.h>

#include <algorithm>

namespace understudy {
namespace {

constexpr double kMuch = 0.15;           // share of the failures worth a line
constexpr int64_t kFewFailures = 5;      // that say nothing yet
constexpr int64_t kEnoughSegments = 20;  // of a source before it is judged
constexpr double kSpoils = 0.5;          // a source's share of successes, of what the others have
constexpr double kFails = 3;             // or its share of failures, likewise

// What brings the hand to the object in another way.
std::string OtherGrasp(const Subtask& subtask, const std::string& place) {
  return std::holds_alternative<NearestRobotSelection>(subtask.selection)
             ? "give sources that grasp from other sides, or " + place +
                   ".turn_hand where grips look alike"
             : place + ".selection: nearest_robot turns the hand least";
}

// What is wrong, and what to change, where subtask `i` ends with `cause`.
std::string Remedy(FailureCause cause, const Subtask& subtask, const std::string& place,
                   const TaskSpec& task, const GenerateOptions& options) {
  switch (cause) {
    case FailureCause::kUnreachable:
      if (subtask.transit == Transit::kPlan) {
        return fmt::format(
            "no posture of the arm reaches where the segment begins, or the hand is not where it "
            "has to act when the gripper moves: {}, or narrow the reset range to what the arm "
            "reaches, for the one; raise {}.arrival_timeout (now {} steps) for the other",
            OtherGrasp(subtask, place), place, subtask.arrival_timeout);
      }
      return fmt::format(
          "the hand is not where it has to act when the gripper moves: raise {}.arrival_timeout "
          "(now {} steps), or narrow the reset range to what the arm reaches",
          place, subtask.arrival_timeout);
    case FailureCause::kJointLimit:
      return "a joint stands at its limit: " + OtherGrasp(subtask, place);
    case FailureCause::kCollision:
      if (subtask.transit == Transit::kPlan) {
        return fmt::format(
            "no way is free, or the arm touches something beside it: lower {}.transit_margin (now "
            "{} m){} for the one, raise it or lower bridge_speed (now {} m per step) for the other",
            place, subtask.transit_margin,
            subtask.start_shift > 0 || subtask.start_turn > 0
                ? fmt::format(", start_shift (now {} m) or start_turn (now {} rad)",
                              subtask.start_shift, subtask.start_turn)
                : "",
            subtask.bridge_speed);
      }
      return fmt::format(
          "an arm link touches something: raise {}.bridge_arch (now {} m), or {}.transit: plan",
          place, subtask.bridge_arch, place);
    case FailureCause::kBridgeLate:
      return fmt::format(
          "the segment begins before the arm is there: lower {}.bridge_speed (now {} m per step) "
          "or raise generate.bridge_timeout (now {} steps){}",
          place, subtask.bridge_speed, options.bridge_timeout,
          &subtask == &task.subtasks[0]
              ? ""
              : "; a hand that is still at a handle needs a later signal of the subtask before");
    case FailureCause::kGraspMissed:
      if (subtask.object.empty()) {
        return fmt::format(
            "the grasp is tried where the source made it, since {} follows no object: name in "
            "{}.object what is grasped",
            place, place);
      }
      return fmt::format(
          "the grasp does not come about: lower {}.action_noise (now {}) or its arrival_tolerance "
          "(now {} m), and look at where the sources grasp",
          place, subtask.action_noise, subtask.arrival_tolerance);
    case FailureCause::kDropped:
      return fmt::format(
          "what is held is lost on the way: lower {}.bridge_speed (now {} m per step) and "
          "bridge_turn, or raise its {} (now {} m) so that it touches nothing",
          place, subtask.bridge_speed,
          subtask.transit == Transit::kPlan ? "transit_margin" : "bridge_arch",
          subtask.transit == Transit::kPlan ? subtask.transit_margin : subtask.bridge_arch);
    case FailureCause::kMisplaced:
      return subtask.replay == Replayed::kHand
                 ? fmt::format(
                       "it ends in the wrong place: {}.replay: held makes up for grasps unlike the "
                       "source's; else lower its action_noise (now {})",
                       place, subtask.action_noise)
                 : fmt::format(
                       "it ends in the wrong place: lower {}.action_noise (now {}), or move the "
                       "ends of the segments (end_offset)",
                       place, subtask.action_noise);
    case FailureCause::kSuccessLost:
      return "success comes and goes again: let the sources hold still at the end, or retreat "
             "without touching";
    case FailureCause::kTimeout:
      return fmt::format(
          "attempts are too long: raise the task's horizon (now {}) or {}.bridge_speed (now {} m "
          "per step), or replay only what matters ({}.replay_within, now {} m)",
          options.max_steps > 0 ? options.max_steps : task.horizon, place, subtask.bridge_speed,
          place, subtask.replay_within);
    case FailureCause::kRough:
      return fmt::format(
          "it moves too roughly for the quality gates: lower {}.bridge_speed (now {} m per step), "
          "raise its noise_correlation (now {}), or widen generate.gates",
          place, subtask.bridge_speed, subtask.noise_correlation);
    case FailureCause::kUnstablePhysics:
      return "the physics breaks down: look at the scene's contacts, or make the timestep smaller";
  }
  return "";
}

struct Line {
  int64_t count = 0;
  std::string text;
};

SourceUse Together(const std::vector<SourceUse>& sources) {
  SourceUse all;
  for (const SourceUse& use : sources) {
    all.segments += use.segments;
    all.in_successes += use.in_successes;
  }
  return all;
}

double Share(int64_t part, int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

std::vector<SourceUse> SpoilingSources(const std::vector<SourceUse>& sources, int64_t enough) {
  const SourceUse all = Together(sources);
  std::vector<SourceUse> spoiling;
  for (const SourceUse& use : sources) {
    const int64_t others = all.segments - use.segments;
    if (use.segments < enough || others < enough) continue;
    const double rest = Share(all.in_successes - use.in_successes, others);
    const double share = Share(use.in_successes, use.segments);
    // where most of all succeeds only failures count, and one or two of them are chance
    const bool fails = 4 * (use.segments - use.in_successes) >= enough;
    if (share < kSpoils * rest || (fails && 1 - share > kFails * (1 - rest))) {
      spoiling.push_back(use);
    }
  }
  std::stable_sort(spoiling.begin(), spoiling.end(), [](const SourceUse& a, const SourceUse& b) {
    return Share(a.in_successes, a.segments) < Share(b.in_successes, b.segments);
  });
  return spoiling;
}

std::vector<std::string> Advise(const MimicReport& report, const TaskSpec& task,
                                const GenerateOptions& options) {
  std::vector<Line> lines;
  const int64_t failures = report.attempts - report.successes;
  const auto percent = [](int64_t part, int64_t whole) {
    return fmt::format("{:.0f} %", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
  };

  // causes, by subtask
  for (const auto& [name, counts] : report.failures) {
    const auto& names = EnumNames<FailureCause>::kNames;
    const auto found = std::find(names.begin(), names.end(), name);
    if (failures < kFewFailures || found == names.end()) continue;
    const auto cause = static_cast<FailureCause>(found - names.begin());
    for (size_t i = 0; i < counts.size() && i < task.subtasks.size(); ++i) {
      if (static_cast<double>(counts[i]) < kMuch * static_cast<double>(failures)) continue;
      lines.push_back(
          {counts[i], fmt::format("{} of the failures ({} of {}): {} in subtask {}: {}",
                                  percent(counts[i], failures), counts[i], failures, name, i,
                                  Remedy(cause, task.subtasks[i], fmt::format("subtasks[{}]", i),
                                         task, options))});
    }
  }
  std::stable_sort(lines.begin(), lines.end(),
                   [](const Line& a, const Line& b) { return a.count > b.count; });
  std::vector<std::string> advice;
  for (Line& line : lines) advice.push_back(std::move(line.text));

  // sources that succeed much more seldom than the others
  const SourceUse all = Together(report.sources);
  for (const SourceUse& use : SpoilingSources(report.sources, kEnoughSegments)) {
    advice.push_back(fmt::format(
        "{} of the segments taken from {} are in successes, {} of the others': leave it out "
        "(--leave-out) or demonstrate again",
        percent(use.in_successes, use.segments), use.name,
        percent(all.in_successes - use.in_successes, all.segments - use.segments)));
  }

  // policies are evaluated within the horizon
  if (report.max_success_steps > task.horizon) {
    advice.push_back(fmt::format(
        "successes take up to {} steps, and the task's horizon, within which policies are "
        "evaluated, is {}: raise it, or demonstrate faster",
        report.max_success_steps, task.horizon));
  }

  // starts that were tried and never came to a success
  for (const Coverage& coverage : report.coverage) {
    int64_t tried = 0, barren = 0;
    for (size_t i = 0; i < coverage.attempts.size(); ++i) {
      if (coverage.attempts[i] < 3) continue;
      ++tried;
      barren += coverage.successes[i] == 0;
    }
    if (tried == 0 || barren * 10 < tried) continue;
    advice.push_back(fmt::format(
        "no success from {} of the {} places where '{}' stood three times or more: demonstrate "
        "there, or narrow its reset range",
        barren, tried, coverage.object));
  }
  return advice;
}

}  // namespace understudy
