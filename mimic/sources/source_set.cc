#include "mimic/sources/source_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "core/base/error.h"
#include "core/base/names.h"
#include "mimic/sources/resample.h"

namespace understudy {
namespace {

// Places of `wanted` in `have`; complains of each that is missing, with `hint` where all are.
std::vector<int> Places(const char* kind, const std::vector<std::string>& wanted,
                        const std::vector<std::string>& have, std::vector<std::string>* reasons,
                        const char* hint = "") {
  std::vector<int> places;
  for (const std::string& name : wanted) {
    places.push_back(IndexOf(have, name));
    if (places.back() < 0) {
      reasons->push_back((have.empty() ? fmt::format("no {} '{}', nor any other", kind, name)
                                       : fmt::format("no {} '{}' (it has {})", kind, name,
                                                     fmt::join(have, ", "))) +
                         hint);
    }
  }
  return places;
}

bool SameRate(double a_hz, double b_hz) { return std::abs(a_hz - b_hz) < 1e-6; }

// Everything about the episode as a whole that must fit the task and the simulator.
void CheckMeta(const EpisodeMeta& meta, const TaskSpec& task, const SimulatorInfo& info,
               bool transfer, std::vector<std::string>* reasons) {
  // another program's file may mean the same by another name
  const bool foreign = meta.settings.contains("format");
  const auto hint = [&](const char* file) {
    return foreign ? fmt::format(" (if they are the same, say so in `foreign` of {})", file) : "";
  };
  if (meta.task != task.name) {
    reasons->push_back(
        fmt::format("task '{}', wanted '{}'{}", meta.task, task.name, hint("its task.yaml")));
  }
  if (!transfer && meta.robot != info.robot) {
    reasons->push_back(
        fmt::format("robot '{}', wanted '{}'{}", meta.robot, info.robot, hint("its robot.yaml")));
  }
  if (meta.control_hz == 0) {
    reasons->push_back("no control rate is stored: `control_hz` of a --map gives it");
  } else if (!SameRate(meta.control_hz, info.control_hz) &&
             !(meta.control_hz >= kLowestSourceHz && meta.control_hz <= kHighestSourceHz)) {
    reasons->push_back(
        fmt::format("control rate {} Hz: rates from {} to {} Hz are resampled to the task's {} Hz",
                    meta.control_hz, kLowestSourceHz, kHighestSourceHz, info.control_hz));
  }
  if (!transfer && meta.limits != info.limits) {
    reasons->push_back(fmt::format("action limits {} m, {} rad, wanted {} m, {} rad",
                                   meta.limits.linear, meta.limits.angular, info.limits.linear,
                                   info.limits.angular));
  }
  if (!meta.success) {
    reasons->push_back("not a success" + (meta.cause.empty() ? "" : " (" + meta.cause + ")"));
  }
  if (meta.uuid.empty()) reasons->push_back("no uuid");
}

// Every row has the sizes that the meta data promises, and numbers. The first bad row speaks.
void CheckRows(const Episode& episode, std::vector<std::string>* reasons) {
  const EpisodeMeta& meta = episode.meta;
  for (size_t t = 0; t < episode.length(); ++t) {
    const Step& row = episode.steps[t];
    const Action& action = row.action_clean.arms.empty() ? row.action : row.action_clean;
    // joint positions and the like are none
    if (action.arms.size() != meta.arms.size()) {
      reasons->push_back(fmt::format("step {}: its action holds target poses of {} of {} arms", t,
                                     action.arms.size(), meta.arms.size()));
      return;
    }
    const auto compare = [&](const char* kind, size_t has, size_t wanted) {
      if (has == wanted) return true;
      reasons->push_back(fmt::format("step {}: {} {}, wanted {}", t, has, kind, wanted));
      return false;
    };
    if (!compare("arms", row.observation.arms.size(), meta.arms.size()) ||
        !compare("objects", row.observation.X_WO.size(), meta.objects.size()) ||
        !compare("signals", row.observation.signals.size(), meta.signals.size())) {
      return;
    }
    // poses are finite wherever they come from
    for (const ArmAction& arm : action.arms) {
      if (std::isfinite(arm.gripper)) continue;
      reasons->push_back(fmt::format("step {}: an action that is no number", t));
      return;
    }
  }
}

ClosedRows ClosedRowsOf(const SourceDemo& demo) {
  ClosedRows closed_AT(demo.arms.size());
  for (size_t a = 0; a < demo.arms.size(); ++a) {
    for (const double gripper : demo.arms[a].gripper) closed_AT[a].push_back(gripper > 0);
  }
  return closed_AT;
}

HandPaths HandPathsOf(const SourceDemo& demo) {
  HandPaths p_WE_AT(demo.arms.size());
  for (size_t a = 0; a < demo.arms.size(); ++a) {
    for (const Pose& X_WE : demo.arms[a].X_WE) p_WE_AT[a].push_back(X_WE.translation());
  }
  return p_WE_AT;
}

SourceDemo TakeColumns(const Episode& episode, const std::vector<int>& arms,
                       const std::vector<int>& objects) {
  SourceDemo demo;
  demo.arms.resize(arms.size());
  demo.X_WO.resize(objects.size());
  for (const Step& row : episode.steps) {
    const Action& action = row.action_clean.arms.empty() ? row.action : row.action_clean;
    for (size_t i = 0; i < arms.size(); ++i) {
      demo.arms[i].X_WE.push_back(row.observation.arms[arms[i]].X_WE);
      demo.arms[i].X_WE_cmd.push_back(action.arms[arms[i]].X_WE_cmd);
      demo.arms[i].gripper.push_back(action.arms[arms[i]].gripper);
    }
    for (size_t i = 0; i < objects.size(); ++i) {
      demo.X_WO[i].push_back(row.observation.X_WO[objects[i]]);
    }
  }
  return demo;
}

// A line per reason, with the sources that have it: hundreds may have the same one.
std::vector<std::string> ByReason(const std::vector<SkippedSource>& skipped) {
  constexpr size_t kNamed = 3, kReasons = 5;
  std::vector<std::string> reasons;  // in the order of their first sources
  std::map<std::string, std::vector<std::string>> names;
  for (const SkippedSource& source : skipped) {
    const std::string reason = fmt::format("{}", fmt::join(source.reasons, ", "));
    if (names[reason].empty()) reasons.push_back(reason);
    names[reason].push_back(source.name);
  }
  std::vector<std::string> lines;
  for (const std::string& reason : reasons) {
    if (lines.size() == kReasons) {
      lines.push_back(fmt::format("and {} more reasons", reasons.size() - kReasons));
      break;
    }
    std::vector<std::string>& all = names[reason];
    const size_t more = all.size() - std::min(all.size(), kNamed);
    all.resize(all.size() - more);
    lines.push_back(fmt::format("{}{}: {}", fmt::join(all, ", "),
                                more > 0 ? fmt::format(" and {} more", more) : "", reason));
  }
  return lines;
}

}  // namespace

SourceSet::SourceSet(const std::vector<Episode>& episodes, const std::vector<std::string>& names,
                     const TaskSpec& task, const SimulatorInfo& info, int debounce, bool transfer,
                     std::vector<SkippedSource> unread)
    : skipped_(std::move(unread)) {
  Require(episodes.size() == names.size(), "a name per source episode");
  for (const Subtask& subtask : task.subtasks) {
    subtask_objects_.push_back(subtask.object.empty() ? -1 : IndexOf(info.objects, subtask.object));
    Require(subtask.object.empty() || subtask_objects_.back() >= 0,
            "the simulator knows the objects of the task");
  }

  std::vector<std::string> signals;
  for (size_t i = 0; i + 1 < task.subtasks.size(); ++i) signals.push_back(task.subtasks[i].signal);

  std::map<std::string, std::string> seen;  // uuid -> name
  for (size_t e = 0; e < episodes.size(); ++e) {
    const Episode& episode = episodes[e];
    SkippedSource skipped{names[e], {}};
    CheckMeta(episode.meta, task, info, transfer, &skipped.reasons);
    const std::vector<int> arms = Places("arm", info.arms, episode.meta.arms, &skipped.reasons);
    std::vector<int> objects;
    if (episode.meta.objects.empty() && !info.objects.empty()) {
      skipped.reasons.push_back(
          fmt::format("no poses of objects (wanted: {}), with which segments are moved",
                      fmt::join(info.objects, ", ")));
    } else {
      objects = Places("object", info.objects, episode.meta.objects, &skipped.reasons,
                       ": `understudy data annotate` finds its poses in states of the same scene");
    }
    const std::vector<int> signal_places =
        Places("signal", signals, episode.meta.signals, &skipped.reasons,
               ": `understudy data annotate` finds where subtasks end");
    if (episode.length() < 2) {
      skipped.reasons.push_back(fmt::format("{} steps", episode.length()));
    }
    CheckRows(episode, &skipped.reasons);
    if (const auto twin = seen.find(episode.meta.uuid); twin != seen.end()) {
      skipped.reasons.push_back(fmt::format("the same uuid as {}", twin->second));
    }

    // segmentation needs sound rows
    if (skipped.reasons.empty()) {
      std::vector<std::vector<uint8_t>> signals_ST(signals.size());
      for (const Step& row : episode.steps) {
        for (size_t s = 0; s < signals.size(); ++s) {
          signals_ST[s].push_back(row.observation.signals[signal_places[s]]);
        }
      }
      SourceDemo demo = TakeColumns(episode, arms, objects);
      if (!SameRate(episode.meta.control_hz, info.control_hz)) {
        demo = Resampled(demo, episode.meta.control_hz, info.control_hz, &signals_ST);
      }
      // where a person placed the rises of the signals they are taken as they stand
      const bool reviewed = episode.meta.settings.contains(kSignalsFrom);
      const int length = static_cast<int>(demo.arms[0].X_WE.size());
      Segmentation segmentation = SegmentBySignals(task, signals_ST, length, debounce,
                                                   ClosedRowsOf(demo), HandPathsOf(demo), reviewed);
      skipped.reasons = std::move(segmentation.problems);
      if (skipped.reasons.empty() && !segmentation.notes.empty()) {
        notes_.push_back({names[e], std::move(segmentation.notes)});
      }
      if (skipped.reasons.empty()) {
        seen.emplace(episode.meta.uuid, names[e]);
        demo.name = names[e];
        demo.uuid = episode.meta.uuid;
        demo.ends = std::move(segmentation.ends);
        demo.events = std::move(segmentation.events);
        demo.offsets = std::move(segmentation.offsets);
        demos_.push_back(std::move(demo));
        continue;
      }
    }
    skipped_.push_back(std::move(skipped));
  }

  // nothing to copy from: say everything that is wrong
  if (!demos_.empty()) return;
  if (skipped_.empty()) ThrowBadInput("no source demonstrations: record some with teleop first");
  ThrowBadInput(fmt::format("no usable source demonstration for task '{}': {}", task.name,
                            fmt::join(ByReason(skipped_), "; ")));
}

SourceSet SourceSet::Without(const std::string& name) const {
  Require(weights_.empty(), "sources are left out before they are weighed");
  SourceSet rest = *this;
  std::erase_if(rest.demos_, [&](const SourceDemo& demo) { return demo.name == name; });
  return rest;
}

SourceSet SourceSet::WithOffsetsOf(const TaskSpec& task) const {
  Require(weights_.empty(), "offsets are changed before sources are weighed");
  SourceSet changed = *this;
  std::erase_if(changed.demos_, [&](SourceDemo& demo) {
    Segmentation segmentation{.ends = demo.ends, .events = demo.events};
    LimitOffsets(task, &segmentation);
    demo.offsets = std::move(segmentation.offsets);
    return !segmentation.problems.empty();
  });
  return changed;
}

}  // namespace understudy
