#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/episode/episode.h"
#include "core/episode/rises.h"
#include "core/spec/task_spec.h"

namespace understudy {

// Changes results.
struct AnnotateRules {
  int debounce = kRiseRows;  // rows that a signal must stay to end a subtask, as in mimic
  int tolerance = 5;         // steps that states and poses may differ by without a flag
};

// How one subtask of a demonstration ends, for a person to look over.
struct SubtaskEnd {
  std::string signal;           // empty: the last, which ends with the demonstration
  int end = -1;                 // exclusive; -1: none was found, or none is wanted
  std::optional<int> inferred;  // where states decided: what poses say; -1: no end
  double confidence = 1;        // 1: states, or poses alone
  std::string evidence;
  std::vector<std::string> flags;  // what to look at; empty: nothing
  bool skipped = false;            // a person wants no end
};

// What a demonstration's signals are found to be.
struct Annotation {
  std::vector<std::vector<uint8_t>> signals_SI;   // of TaskSpec::signal_names(), by instant
  std::optional<std::vector<uint8_t>> success_I;  // success predicate by instant; unset: unknown
  std::vector<SubtaskEnd> ends;                   // one per subtask
};

// Finds the signals of `task` in a demonstration that holds poses of its hands and objects and, in
// `seen`, what a simulator of the task sees at its restored states, one per instant; null: there
// are none, and all is inferred from poses and the gripper (InferPredicates). Where there are both,
// the states decide and what poses say stands beside. Flags: a signal never rises, rises again,
// rises for less than `debounce` rows, rises before its turn, is inferred with little confidence or
// ambiguous or not known, differs between states and poses, or leaves a segment no step.
Annotation Annotate(const TaskSpec& task, const Episode& episode,
                    const std::vector<Observation>* seen, const AnnotateRules& rules);

// What a person says of the end of a subtask.
struct WantedEnd {
  int end = -1;
  bool skip = false;  // it has none: the demonstration is no source for mimic
};

// Why the subtasks cannot end as wanted (by subtask; unset: as found), with the subtask whose wish
// is to blame; unset: they can.
struct RefusedEnd {
  size_t subtask = 0;
  std::string why;
};
std::optional<RefusedEnd> RefuseEnds(const TaskSpec& task, const Annotation& annotation,
                                     const std::vector<std::optional<WantedEnd>>& wanted,
                                     int length, int debounce);

// Makes subtasks end as wanted by changing no more of their signals than that needs: an end moves
// its signal's rising edge, all other ends stay. Requires ends that RefuseEnds takes.
void ApplyEnds(const TaskSpec& task, const std::vector<std::optional<WantedEnd>>& wanted,
               int length, int debounce, Annotation* annotation);

}  // namespace understudy
