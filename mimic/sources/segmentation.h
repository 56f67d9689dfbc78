#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "core/spec/task_spec.h"

namespace understudy {

// Where the subtasks of one source demonstration end.
struct Segmentation {
  std::vector<int> ends;              // exclusive, one per subtask; the last is the length
  std::vector<std::string> problems;  // empty: `ends` is usable with every offset of the task
};

// First row at or after `from` (and after row 0) in which the signal has turned from 0 to 1 and
// then stays 1 for `debounce` rows; -1: none.
int RisingEdge(const std::vector<uint8_t>& signal, int from, int debounce);

// Where subtask `subtask` begins: the end of the last one that it waits for (WaitsFor), or 0. Of
// `ends` only those before it count, and no -1.
int StartOf(const TaskSpec& task, const std::vector<int>& ends, size_t subtask);

// Splits a demonstration of `length` steps by the rising edges of its signals: a subtask ends one
// step after the first row at or after its start (StartOf) in which its signal has turned from 0 to
// 1 and then stays 1 for `debounce` rows. signals_ST[s][t] is row t of the signal of subtask s (all
// subtasks but the last). Lists all violations, those of the end offsets included: with every draw
// of offsets each segment must keep at least one step.
Segmentation SegmentBySignals(const TaskSpec& task,
                              const std::vector<std::vector<uint8_t>>& signals_ST, int length,
                              int debounce);

// `ends` with a whole-number offset per subtask drawn from its inclusive range; starts follow
// (StartOf).
std::vector<int> DrawEnds(const TaskSpec& task, const std::vector<int>& ends, Rng& rng);

}  // namespace understudy
