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

std::vector<std::vector<uint8_t>> ClosedRows(
    const TaskSpec& task, int length, const std::function<double(int arm, int row)>& gripper) {
  std::vector<std::vector<uint8_t>> closed_ST;
  for (size_t i = 0; i + 1 < task.subtasks.size(); ++i) {
    std::vector<uint8_t>& rows = closed_ST.emplace_back();
    const GraspedPredicate* grasp = GraspOf(task, task.subtasks[i].signal);
    for (int t = 0; grasp != nullptr && t < length; ++t) {
      rows.push_back(gripper(grasp->arm, t) > 0);
    }
  }
  return closed_ST;
}

namespace {

// The signals of a demonstration, and which of their rises count.
struct Rises {
  const TaskSpec& task;
  const std::vector<std::vector<uint8_t>>& signals_ST;
  const std::vector<std::vector<uint8_t>>& closed_ST;
  int debounce;

  bool IsGrasp(size_t i) const { return i < closed_ST.size() && !closed_ST[i].empty(); }

  // The rows of a signal that count: those of a grasp with its gripper closed.
  std::vector<uint8_t> Counted(size_t i) const {
    std::vector<uint8_t> rows = signals_ST[i];
    for (size_t t = 0; IsGrasp(i) && t < rows.size(); ++t) rows[t] = rows[t] && closed_ST[i][t];
    return rows;
  }

  // The first rise of the next subtask's signal after row `from`; the length where it has none.
  int NextRise(size_t i, int from) const {
    const int length = static_cast<int>(signals_ST[i].size());
    for (size_t j = i + 1; j < signals_ST.size(); ++j) {
      if (!WaitsFor(task, j, i)) continue;
      const int edge = RisingEdge(Counted(j), from, debounce);
      return edge < 0 ? length : edge;
    }
    return length;
  }

  // All in [from, until).
  std::vector<int> Between(const std::vector<uint8_t>& rows, int from, int until) const {
    std::vector<int> edges;
    for (int edge = RisingEdge(rows, from, debounce); edge >= 0 && edge < until;
         edge = RisingEdge(rows, edge + 1, debounce)) {
      edges.push_back(edge);
    }
    return edges;
  }

  int Find(size_t i, int start, std::vector<std::string>* notes) const {
    const std::vector<uint8_t> counted = Counted(i);
    const int first = RisingEdge(counted, start, debounce);
    const int raw = RisingEdge(signals_ST[i], start, debounce);
    if (raw < 0) return first;
    const std::string who = fmt::format("subtask {}: signal '{}'", i, task.subtasks[i].signal);
    if (first < 0) {
      notes->push_back(
          fmt::format("{} rises at step {} with the gripper open, and never with it "
                      "closed",
                      who, raw));
      return raw;
    }
    const int until = NextRise(i, std::min(raw, first) + 1);
    int chosen = first;
    if (IsGrasp(i)) {
      // a try begins where the gripper closes
      const std::vector<uint8_t>& closed = closed_ST[i];
      for (const int edge : Between(counted, first, std::max(until, first + 1))) {
        const bool same_try = std::all_of(closed.begin() + chosen, closed.begin() + edge,
                                          [](uint8_t v) { return v != 0; });
        if (!same_try) chosen = edge;
      }
    }
    std::vector<int> others = Between(signals_ST[i], start, until);
    std::erase(others, chosen);
    if (!others.empty()) {
      const bool open = IsGrasp(i) && closed_ST[i][static_cast<size_t>(others[0])] == 0;
      notes->push_back(fmt::format("{} rises at step {}{}; the subtask ends by its rise at {}", who,
                                   fmt::join(others, ", "), open ? " with the gripper open" : "",
                                   chosen));
    }
    return chosen;
  }
};

}  // namespace

int EndingRise(const TaskSpec& task, const std::vector<std::vector<uint8_t>>& signals_ST,
               const std::vector<std::vector<uint8_t>>& closed_ST, size_t subtask, int start,
               int debounce, std::vector<std::string>* notes) {
  std::vector<std::string> unread;
  return Rises{task, signals_ST, closed_ST, debounce}.Find(subtask, start,
                                                           notes == nullptr ? &unread : notes);
}

Segmentation SegmentBySignals(const TaskSpec& task,
                              const std::vector<std::vector<uint8_t>>& signals_ST, int length,
                              int debounce, const std::vector<std::vector<uint8_t>>& closed_ST) {
  const size_t count = task.subtasks.size();
  Require(count > 0 && signals_ST.size() + 1 == count, "one signal per subtask but the last");
  Require(debounce >= 1, "debounce counts rows from 1");
  Segmentation result;

  for (const std::vector<uint8_t>& signal : signals_ST) {
    Require(signal.size() == static_cast<size_t>(length), "a signal has a value per row");
  }
  Require(closed_ST.empty() || closed_ST.size() == signals_ST.size(), "the gripper of each signal");

  // ends by edges; a missing one makes the later ones meaningless
  for (size_t i = 0; i + 1 < count; ++i) {
    const int start = StartOf(task, result.ends, i);
    const int edge = EndingRise(task, signals_ST, closed_ST, i, start, debounce, &result.notes);
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
