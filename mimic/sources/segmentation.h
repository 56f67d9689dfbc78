#pragma once

#include <Eigen/Core>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "core/spec/task_spec.h"

namespace understudy {

// What the grippers do next after a subtask has ended.
struct GripperEvent {
  int row = -1;        // -1: nothing, or not known
  bool opens = false;  // what the subtask grasped; else one closes
};

// Where the subtasks of one source demonstration end.
struct Segmentation {
  std::vector<int> ends;                    // exclusive, one per subtask; the last is the length
  std::vector<GripperEvent> events;         // behind each end
  std::vector<std::array<int, 2>> offsets;  // of the ends, inclusive: the task's, within limits
  std::vector<std::string> problems;        // empty: `ends` is usable with every offset
  std::vector<std::string> notes;           // signals of which several rises might be meant, and
                                            // offsets that are not the task's
};

// Where subtask `subtask` begins: the end of the last one that it waits for (WaitsFor), or 0. Of
// `ends` only those before it count, and no -1.
int StartOf(const TaskSpec& task, const std::vector<int>& ends, size_t subtask);

// The rows in which each arm's gripper is commanded closed; empty: not known.
using ClosedRows = std::vector<std::vector<uint8_t>>;

// Where each arm's hand E is in each row (m, W); empty: not known.
using HandPaths = std::vector<std::vector<Eigen::Vector3d>>;

// The rise that ends subtask `subtask`, of rows from `start` on, by the rules of SegmentBySignals;
// -1: none. Appends to `notes`, unless null, where another rise might be meant.
int EndingRise(const TaskSpec& task, const std::vector<std::vector<uint8_t>>& signals_ST,
               const ClosedRows& closed_AT, size_t subtask, int start, int debounce,
               std::vector<std::string>* notes);

// Splits a demonstration of `length` steps by the rising edges of its signals: a subtask ends one
// step after the first row at or after its start (StartOf) in which its signal has turned from 0 to
// 1 and then stays 1 for `debounce` rows. signals_ST[s][t] is row t of the signal of subtask s (all
// subtasks but the last).
//
// Where the grippers are known, three rules follow from them:
// - What touches an open gripper is no grasp. Of a signal that is a grasp (GraspOf) only rises with
//   the gripper closed count, and of several tries, before the next subtask's signal rises, the
//   last one: the first rise after the gripper closed for it. A grasp that never holds with the
//   gripper closed is taken as other signals are.
// - What the hand holds where the next subtask is to grasp something is let go on the way there
//   (the handle of a drawer): that belongs to the subtask before. It ends once the hand is
//   kClearOfReleased away from where the gripper opened, or half-way to where it closes again.
// - An offset stays before the next subtask's approach (LimitOffsets).
// The first two are left out where a person placed the rises (`placed`).
//
// Lists all violations, those of the end offsets included.
Segmentation SegmentBySignals(const TaskSpec& task,
                              const std::vector<std::vector<uint8_t>>& signals_ST, int length,
                              int debounce, const ClosedRows& closed_AT = {},
                              const HandPaths& p_WE_AT = {}, bool placed = false);
inline constexpr double kClearOfReleased = 0.1;  // m: fingers and what stood between them

// The offsets of `segmentation`, from its ends and events: those of the task, of which an end takes
// at most half of the way to the next gripper event, behind which the next approach lies; one that
// would leave the next segment nothing takes at most half of the way to the end of that. Appends
// what was changed to the notes, and to the problems where with some draw of offsets a segment
// would not keep a step.
void LimitOffsets(const TaskSpec& task, Segmentation* segmentation);

// `ends` with a whole-number offset each, drawn from its inclusive range; starts follow (StartOf).
std::vector<int> DrawEnds(const std::vector<std::array<int, 2>>& offsets,
                          const std::vector<int>& ends, Rng& rng);

}  // namespace understudy
