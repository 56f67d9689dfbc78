#include "mimic/sources/segmentation.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/episode/rises.h"

namespace understudy {

int StartOf(const TaskSpec& task, const std::vector<int>& ends, size_t subtask) {
  Require(subtask <= ends.size(), "the ends of the subtasks before it are known");
  int start = 0;
  for (size_t i = 0; i < subtask; ++i) {
    if (WaitsFor(task, subtask, i)) start = std::max(start, ends[i]);
  }
  return start;
}

namespace {

// The signals of a demonstration, and which of their rises count.
struct Rises {
  const TaskSpec& task;
  const std::vector<std::vector<uint8_t>>& signals_ST;
  const ClosedRows& closed_AT;
  int debounce;

  // When the gripper is closed that the signal asks about; null: it is no grasp, or not known.
  const std::vector<uint8_t>* GripperOf(size_t i) const {
    const GraspedPredicate* grasp = GraspOf(task, task.subtasks[i].signal);
    const bool known = grasp != nullptr && static_cast<size_t>(grasp->arm) < closed_AT.size();
    return known ? &closed_AT[static_cast<size_t>(grasp->arm)] : nullptr;
  }

  // The rows of a signal that count: those of a grasp with its gripper closed.
  std::vector<uint8_t> Counted(size_t i) const {
    std::vector<uint8_t> rows = signals_ST[i];
    const std::vector<uint8_t>* closed = GripperOf(i);
    for (size_t t = 0; closed != nullptr && t < rows.size(); ++t) rows[t] &= (*closed)[t];
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
    const std::vector<uint8_t>* closed = GripperOf(i);
    if (closed != nullptr) {
      // a try begins where the gripper closes
      for (const int edge : Between(counted, first, std::max(until, first + 1))) {
        const bool same_try = std::all_of(closed->begin() + chosen, closed->begin() + edge,
                                          [](uint8_t v) { return v != 0; });
        if (!same_try) chosen = edge;
      }
    }
    std::vector<int> others = Between(signals_ST[i], start, until);
    std::erase(others, chosen);
    if (!others.empty()) {
      const bool open = closed != nullptr && (*closed)[static_cast<size_t>(others[0])] == 0;
      notes->push_back(fmt::format("{} rises at step {}{}; the subtask ends by its rise at {}", who,
                                   fmt::join(others, ", "), open ? " with the gripper open" : "",
                                   chosen));
    }
    return chosen;
  }
};

// Where subtask `i`, whose signal ends it at `end`, has let go of what it held and is clear of it;
// `end` where the next subtask of the arm does not begin with that.
int ClearEnd(const TaskSpec& task, const ClosedRows& closed_AT, const HandPaths& p_WE_AT, size_t i,
             int end) {
  // the grasp that the arm goes on to
  const Subtask& own = task.subtasks[i];
  const auto next =
      std::find_if(task.subtasks.begin() + static_cast<std::ptrdiff_t>(i) + 1, task.subtasks.end(),
                   [&](const Subtask& later) { return ShareArm(own, later); });
  if (next == task.subtasks.end()) return end;
  const GraspedPredicate* grasp = GraspOf(task, next->signal.empty() ? next->check : next->signal);
  if (grasp == nullptr || static_cast<size_t>(grasp->arm) >= closed_AT.size()) return end;
  const auto arm = static_cast<size_t>(grasp->arm);
  if (!IsMeant(own.arm, arm)) return end;

  // it opens, and closes again
  const std::vector<uint8_t>& closed = closed_AT[arm];
  const auto from = closed.begin() + std::min<std::ptrdiff_t>(end, std::ssize(closed));
  const auto opens = std::find(from, closed.end(), 0);
  const auto closes = std::find(opens, closed.end(), 1);
  if (opens == from || closes == closed.end()) return end;
  const auto release = static_cast<int>(opens - closed.begin());
  const int most = release + static_cast<int>(closes - opens) / 2;
  if (p_WE_AT.empty()) return most;
  const std::vector<Eigen::Vector3d>& p_WE = p_WE_AT[arm];
  const auto clear = std::find_if(p_WE.begin() + release, p_WE.begin() + most, [&](const auto& p) {
    return (p - p_WE[static_cast<size_t>(release)]).norm() >= kClearOfReleased;
  });
  return static_cast<int>(clear - p_WE.begin());
}

// `grasp`: what subtask `i`, which ends at `end`, holds then; null: nothing.
GripperEvent NextGripperEvent(const TaskSpec& task, const ClosedRows& closed_AT, size_t i, int end,
                              const GraspedPredicate* grasp) {
  const int arm = grasp != nullptr ? grasp->arm : task.subtasks[i].arm;
  GripperEvent first;
  for (size_t a = 0; a < closed_AT.size(); ++a) {
    if (!IsMeant(arm, a)) continue;
    const std::vector<uint8_t>& closed = closed_AT[a];
    const auto begin = static_cast<size_t>(std::max(end, 1));
    const bool opens = grasp != nullptr && closed[begin - 1];
    for (size_t t = begin; t < closed.size(); ++t) {
      if (opens ? closed[t] : !closed[t] || closed[t - 1]) continue;
      const auto row = static_cast<int>(t);
      if (first.row < 0 || row < first.row) first = {row, opens};
      break;
    }
  }
  return first;
}

}  // namespace

int EndingRise(const TaskSpec& task, const std::vector<std::vector<uint8_t>>& signals_ST,
               const ClosedRows& closed_AT, size_t subtask, int start, int debounce,
               std::vector<std::string>* notes) {
  std::vector<std::string> unread;
  return Rises{task, signals_ST, closed_AT, debounce}.Find(subtask, start,
                                                           notes == nullptr ? &unread : notes);
}

Segmentation SegmentBySignals(const TaskSpec& task,
                              const std::vector<std::vector<uint8_t>>& signals_ST, int length,
                              int debounce, const ClosedRows& closed_AT, const HandPaths& p_WE_AT,
                              bool placed) {
  const size_t count = task.subtasks.size();
  Require(count > 0 && signals_ST.size() + 1 == count, "one signal per subtask but the last");
  Require(debounce >= 1, "debounce counts rows from 1");
  Segmentation result;

  for (const std::vector<uint8_t>& signal : signals_ST) {
    Require(signal.size() == static_cast<size_t>(length), "a signal has a value per row");
  }
  for (const std::vector<uint8_t>& closed : closed_AT) {
    Require(closed.size() == static_cast<size_t>(length), "a gripper has a command per row");
  }

  for (const std::vector<Eigen::Vector3d>& p_WE : p_WE_AT) {
    Require(p_WE.size() == static_cast<size_t>(length), "a hand is somewhere in every row");
  }

  // ends by edges; a missing one makes the later ones meaningless
  const ClosedRows none;
  const ClosedRows& judged_by = placed ? none : closed_AT;
  std::vector<bool> let_go(count, false);
  for (size_t i = 0; i + 1 < count; ++i) {
    const int start = StartOf(task, result.ends, i);
    const int edge = EndingRise(task, signals_ST, judged_by, i, start, debounce, &result.notes);
    if (edge < 0) {
      result.problems.push_back(fmt::format(
          "subtask {}: signal '{}' does not rise for {} steps in a row after step {} of {}", i,
          task.subtasks[i].signal, debounce, start, length));
      return result;
    }
    result.ends.push_back(ClearEnd(task, judged_by, p_WE_AT, i, edge + 1));
    let_go[i] = result.ends[i] != edge + 1;
  }
  result.ends.push_back(length);

  for (size_t i = 0; i < count; ++i) {
    const GraspedPredicate* grasp = let_go[i] ? nullptr : GraspOf(task, task.subtasks[i].signal);
    result.events.push_back(NextGripperEvent(task, closed_AT, i, result.ends[i], grasp));
  }
  LimitOffsets(task, &result);
  return result;
}

void LimitOffsets(const TaskSpec& task, Segmentation* segmentation) {
  const std::vector<int>& ends = segmentation->ends;
  const size_t count = ends.size();
  const int length = ends.back();
  Require(count == task.subtasks.size() && segmentation->events.size() == count,
          "an end and what follows it per subtask");
  segmentation->offsets.assign(count, {0, 0});
  std::vector<std::string> notes(count);
  // from the last on: what a subtask leaves the next one depends on that one's own offsets
  for (size_t i = count; i-- > 0;) {
    const std::array<int, 2> wanted = task.subtasks[i].end_offset;
    const int end = ends[i];
    int most = wanted[1];
    std::string why;
    if (const GripperEvent& event = segmentation->events[i];
        event.row >= 0 && (event.row - end) / 2 < most) {
      most = (event.row - end) / 2;
      why = fmt::format("the gripper {} at {}", event.opens ? "opens" : "closes", event.row);
    }
    int next = length;
    bool waited_for = false;
    for (size_t j = i + 1; j < count; ++j) {
      if (!WaitsFor(task, j, i)) continue;
      waited_for = true;
      next = std::min(next, ends[j] + segmentation->offsets[j][0]);
    }
    const bool fits = waited_for ? end + most < next : end + most <= next;
    if (!fits && std::max(0, (next - end) / 2) < most) {
      most = std::max(0, (next - end) / 2);
      why = waited_for ? fmt::format("the next segment may end at {}", next)
                       : fmt::format("the demonstration at {}", length);
    }
    segmentation->offsets[i] = {std::min(wanted[0], most), std::min(wanted[1], most)};
    if (segmentation->offsets[i] == wanted) continue;
    notes[i] = fmt::format(
        "subtask {}: end_offset [{}, {}] becomes [{}, {}]: it ends at {}, and {}", i, wanted[0],
        wanted[1], segmentation->offsets[i][0], segmentation->offsets[i][1], end, why);
  }
  std::erase(notes, "");
  segmentation->notes.insert(segmentation->notes.end(), notes.begin(), notes.end());

  // every segment keeps a step whatever offsets are drawn
  std::vector<int> latest = segmentation->ends;
  for (size_t i = 0; i < count; ++i) latest[i] += segmentation->offsets[i][1];
  for (size_t i = 0; i < count; ++i) {
    const int low = segmentation->offsets[i][0];
    const int earliest_end = segmentation->ends[i] + low, latest_start = StartOf(task, latest, i);
    if (earliest_end <= latest_start) {
      segmentation->problems.push_back(
          fmt::format("subtask {}: may end at step {} (end {} with offset {}) though it may start "
                      "at step {}: narrow end_offset or demonstrate more slowly",
                      i, earliest_end, segmentation->ends[i], low, latest_start));
    }
  }
}

std::vector<int> DrawEnds(const std::vector<std::array<int, 2>>& offsets,
                          const std::vector<int>& ends, Rng& rng) {
  Require(ends.size() == offsets.size(), "a range of offsets per end");
  std::vector<int> drawn = ends;
  for (size_t i = 0; i < ends.size(); ++i) {
    const auto [low, high] = offsets[i];
    if (low != 0 || high != 0)
      drawn[i] += static_cast<int>(rng.UniformInt(int64_t{low}, int64_t{high}));
  }
  return drawn;
}

}  // namespace understudy
