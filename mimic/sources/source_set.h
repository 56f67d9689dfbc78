#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "core/episode/episode.h"
#include "core/seam/simulator.h"
#include "core/spec/task_spec.h"
#include "mimic/sources/segmentation.h"

namespace understudy {

// The columns of one source demonstration that generation needs; T rows.
struct SourceDemo {
  struct Arm {
    std::vector<Pose> X_WE;       // measured, before the step
    std::vector<Pose> X_WE_cmd;   // target of the step, without noise
    std::vector<double> gripper;  // command in [-1, 1]
  };
  std::string name;  // where it came from, for reports
  std::string uuid;
  std::vector<Arm> arms;                    // order of SimulatorInfo::arms
  std::vector<std::vector<Pose>> X_WO;      // [object in the order of SimulatorInfo::objects][row]
  std::vector<int> ends;                    // exclusive ends of the subtasks, without offsets
  std::vector<GripperEvent> events;         // behind the ends
  std::vector<std::array<int, 2>> offsets;  // of the ends, inclusive
  std::vector<int> rows;                    // in the file, where the rate was another; else empty

  // The row of the file that row `t` stands for.
  int FileRow(int t) const { return rows.empty() ? t : rows[static_cast<size_t>(t)]; }
  int length() const { return ends.empty() ? 0 : ends.back(); }
};

// A demonstration that cannot be used, and every reason.
struct SkippedSource {
  std::string name;
  std::vector<std::string> reasons;
};

// A demonstration that is used, and what to look at.
struct SourceNotes {
  std::string name;
  std::vector<std::string> notes;
};

// Key of an episode's settings: what placed the rises of its signals, which are then taken as they
// stand (SegmentBySignals, `placed`).
inline constexpr const char* kSignalsFrom = "signals_from";

// How often the segments of each source do their part: [subtask][source], in (0, 1].
using SourceWeights = std::vector<std::vector<double>>;

// The demonstrations that attempts are made from. Immutable once built: share it between threads.
class SourceSet {
 public:
  // Takes the usable ones of `episodes` (named by `names`, parallel); the others are listed in
  // skipped(): wrong task, robot or action limits, a control rate that cannot be resampled, missing
  // arms, objects or signals, no success, rows of wrong size or with numbers that are not finite,
  // an uuid seen before, signals that do not segment. `transfer`: other robots and action limits
  // are welcome, since what is taken are poses of the control frame E and signs of the gripper.
  // `unread` are others that could not even be read. Throws Error(kBadInput) with all reasons where
  // none is left.
  SourceSet(const std::vector<Episode>& episodes, const std::vector<std::string>& names,
            const TaskSpec& task, const SimulatorInfo& info, int debounce, bool transfer = false,
            std::vector<SkippedSource> unread = {});

  const std::vector<SourceDemo>& demos() const { return demos_; }
  const std::vector<SkippedSource>& skipped() const { return skipped_; }
  const std::vector<SourceNotes>& notes() const { return notes_; }
  // Place of every subtask's object in SourceDemo::X_WO; -1: none.
  const std::vector<int>& subtask_objects() const { return subtask_objects_; }

  // The same without the demonstration of that name. Requires sources that all count alike.
  SourceSet Without(const std::string& name) const;

  // The same with the end offsets of `task`, of which nothing else differs; without demonstrations
  // that these leave a segment without a step.
  SourceSet WithOffsetsOf(const TaskSpec& task) const;

  // The same demonstrations, chosen among in proportion to `weights` (Selection, among its k best).
  SourceSet Weighted(SourceWeights weights) && {
    weights_ = std::move(weights);
    return std::move(*this);
  }
  const SourceWeights& all_weights() const { return weights_; }  // empty: all count alike
  // Of the sources, for a subtask; empty: they count alike.
  std::vector<double> weights(size_t subtask) const {
    return weights_.empty() ? std::vector<double>() : weights_.at(subtask);
  }

 private:
  std::vector<SourceDemo> demos_;
  std::vector<SkippedSource> skipped_;
  std::vector<SourceNotes> notes_;
  std::vector<int> subtask_objects_;
  SourceWeights weights_;
};

}  // namespace understudy
