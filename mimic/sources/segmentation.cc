#include "mimic/sources/segmentation.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"

namespace understudy {

int RisingEdge(const std::vector<uint8_t>& signal, int from, int debounce) {
  const int length = static_cast<int>(signal.size());
  for (int t = std::max(from, 1); t + debounce <= length; ++t) {
    if (signal[t - 1] != 0 || signal[t] == 0) continue;
    if (std::all_of(signal.begin() + t, signal.begin() + t + debounce,
                    [](uint8_t v) { return v != 0; })) {
      return t;
    }
  }
  return -1;
}

int StartOf(const TaskSpec& task, const std::vector<int>& ends, size_t subtask) {
  Require(subtask <= ends.size(), "the ends of the subtasks before it are known");
  int start = 0;
  for (size_t i = 0; i < subtask; ++i) {
    if (WaitsFor(task, subtask, i)) start = std::max(start, ends[i]);
  }
  return start;
}

Segmentation SegmentBySignals(const TaskSpec& task,
                              const std::vector<std::vector<uint8_t>>& signals_ST, int length,
                              int debounce) {
  const size_t count = task.subtasks.size();
  Require(count > 0 && signals_ST.size() + 1 == count, "one signal per subtask but the last");
  Require(debounce >= 1, "debounce counts rows from 1");
  Segmentation result;

  // ends by edges; a missing one makes the later ones meaningless
  for (size_t i = 0; i + 1 < count; ++i) {
    Require(signals_ST[i].size() == static_cast<size_t>(length), "a signal has a value per row");
    const int start = StartOf(task, result.ends, i);
    const int edge = RisingEdge(signals_ST[i], start, debounce);
    if (edge < 0) {
      result.problems.push_back(fmt::format(
          "subtask {}: signal '{}' does not rise for {} steps in a row after step {} of {}", i,
          task.subtasks[i].signal, debounce, start, length));
      return result;
    }
    result.ends.push_back(edge + 1);
  }
  result.ends.push_back(length);

  // every segment keeps a step whatever offsets are drawn
  std::vector<int> latest = result.ends;
  for (size_t i = 0; i < count; ++i) latest[i] += task.subtasks[i].end_offset[1];
  for (size_t i = 0; i < count; ++i) {
    const int low = task.subtasks[i].end_offset[0];
    const int earliest_end = result.ends[i] + low, latest_start = StartOf(task, latest, i);
    if (earliest_end <= latest_start) {
      result.problems.push_back(
          fmt::format("subtask {}: may end at step {} (end {} with offset {}) though it may start "
                      "at step {}: narrow end_offset or demonstrate more slowly",
                      i, earliest_end, result.ends[i], low, latest_start));
    }
    bool waited_for = false;
    for (size_t j = i + 1; j < count; ++j) waited_for |= WaitsFor(task, j, i);
    // the waiting caller has reported it
    if (latest[i] > length && !waited_for) {
      result.problems.push_back(
          fmt::format("subtask {}: may end at step {} (end {} with its end_offset), the "
                      "demonstration has {}",
                      i, latest[i], result.ends[i], length));
    }
  }
  return result;
}

std::vector<int> DrawEnds(const TaskSpec& task, const std::vector<int>& ends, Rng& rng) {
  Require(ends.size() == task.subtasks.size(), "one end per subtask");
  std::vector<int> drawn = ends;
  for (size_t i = 0; i < ends.size(); ++i) {
    const auto [low, high] = task.subtasks[i].end_offset;
    if (low != 0 || high != 0)
      drawn[i] += static_cast<int>(rng.UniformInt(int64_t{low}, int64_t{high}));
  }
  return drawn;
}

}  // namespace understudy
