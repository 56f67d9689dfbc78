#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "core/spec/task_spec.h"

namespace understudy {

// Where the subtasks of one source demonstration end.
struct Segmentation {
  std::vector<int> ends;              // exclusive, one per subtask; the last is the length
  std::vector<std::string> problems;  // empty: `ends` is usable with every offset of the task
  std::vector<std::string> notes;     // signals of which several rises might be meant
};

// First row at or after `from` (and after row 0) in which the signal has turned from 0 to 1 and
// then stays 1 for `debounce` rows; -1: none.
int RisingEdge(const std::vector<uint8_t>& signal, int from, int debounce);

// Where subtask `subtask` begins: the end of the last one that it waits for (WaitsFor), or 0. Of
// `ends` only those before it count, and no -1.
int StartOf(const TaskSpec& task, const std::vector<int>& ends, size_t subtask);

// The rise that ends subtask `subtask`, of rows from `start` on, by the rules of SegmentBySignals;
// -1: none. Appends to `notes`, unless null, where another rise might be meant.
int EndingRise(const TaskSpec& task, const std::vector<std::vector<uint8_t>>& signals_ST,
               const std::vector<std::vector<uint8_t>>& closed_ST, size_t subtask, int start,
               int debounce, std::vector<std::string>* notes);

// Splits a demonstration of `length` steps by the rising edges of its signals: a subtask ends one
// step after the first row at or after its start (StartOf) in which its signal has turned from 0 to
// 1 and then stays 1 for `debounce` rows. signals_ST[s][t] is row t of the signal of subtask s (all
// subtasks but the last).
//
// `closed_ST`, where it is given, holds for signals that are grasps the rows in which their gripper
// is commanded closed (ClosedRows), and nothing for others. What touches an open gripper is no
// grasp: only rises while it is closed count, and of several tries, before the next subtask's
// signal rises, the last one: the first rise after the gripper closed for it. A grasp that never
// holds with the gripper closed is taken as other signals are.
//
// Lists all violations, those of the end offsets included: with every draw of offsets each segment
// must keep at least one step.
Segmentation SegmentBySignals(const TaskSpec& task,
                              const std::vector<std::vector<uint8_t>>& signals_ST, int length,
                              int debounce,
                              const std::vector<std::vector<uint8_t>>& closed_ST = {});

// closed_ST of SegmentBySignals. gripper(arm, row): its command, closed above 0.
std::vector<std::vector<uint8_t>> ClosedRows(
    const TaskSpec& task, int length, const std::function<double(int arm, int row)>& gripper);

// `ends` with a whole-number offset per subtask drawn from its inclusive range; starts follow
// (StartOf).
std::vector<int> DrawEnds(const TaskSpec& task, const std::vector<int>& ends, Rng& rng);

}  // namespace understudy
