#include "mimic/sources/annotate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/base/names.h"
#include "core/seam/revisit.h"
#include "mimic/sources/infer_predicates.h"
#include "mimic/sources/segmentation.h"

namespace understudy {
namespace {

using Signal = std::vector<uint8_t>;

constexpr double kUncertain = 0.5;  // less confidence is flagged

// A predicate in words, as a simulator asks it.
struct Words {
  const TaskSpec& task;
  std::string operator()(const GraspedPredicate& p) const {
    return fmt::format("both pads touch {}", p.object);
  }
  std::string operator()(const ReleasedPredicate& p) const {
    return fmt::format("no finger touches {}", p.object);
  }
  std::string operator()(const OnTopPredicate& p) const {
    return fmt::format("{} lies on {}", p.object, p.support);
  }
  std::string operator()(const InBoxPredicate& p) const {
    return fmt::format("{} is in its box in {}", p.object,
                       p.relative_to.empty() ? "the world" : p.relative_to);
  }
  std::string operator()(const ContactPredicate& p) const {
    return fmt::format("{} and {} touch", p.a, p.b);
  }
  std::string operator()(const JointPredicate& p) const {
    return fmt::format("{} is in its range", p.joint);
  }
  std::string operator()(const UprightPredicate& p) const {
    return fmt::format("{} is upright", p.object);
  }
  std::string operator()(const NearPredicate& p) const {
    return fmt::format("the hand is near {}", p.object);
  }
  std::string operator()(const AllPredicate& p) const { return Join(p.of, " and "); }
  std::string operator()(const AnyPredicate& p) const { return Join(p.of, " or "); }
  std::string operator()(const NotPredicate& p) const { return "not: " + Of(p.of); }
  std::string operator()(const HeldPredicate& p) const {
    return fmt::format("{} for {} steps", Of(p.of), p.steps);
  }
  std::string Of(const std::string& name) const {
    return std::visit(*this, task.predicates.at(name));
  }
  std::string Join(const std::vector<std::string>& names, const char* between) const {
    std::vector<std::string> words;
    for (const std::string& name : names) words.push_back(Of(name));
    return fmt::format("{}", fmt::join(words, between));
  }
};

Signal RowsOf(const Signal& signal_I, int length) {
  return {signal_I.begin(), signal_I.begin() + length};
}

size_t PlaceOf(const TaskSpec& task, const std::string& signal) {
  const int place = IndexOf(task.signal_names(), signal);
  Require(place >= 0, "a subtask's signal is one of the task's");
  return static_cast<size_t>(place);
}

// Ends of the subtasks, each from where it starts; -1 where a signal does not rise in its turn.
std::vector<int> FindEnds(const TaskSpec& task, const std::vector<Signal>& signals_SI,
                          const ClosedRows& closed_AT, int length, int debounce) {
  std::vector<Signal> signals_ST;
  for (size_t i = 0; i + 1 < task.subtasks.size(); ++i) {
    signals_ST.push_back(RowsOf(signals_SI[PlaceOf(task, task.subtasks[i].signal)], length));
  }
  std::vector<int> ends;
  for (size_t i = 0; i + 1 < task.subtasks.size(); ++i) {
    const int start = StartOf(task, ends, i);
    const int edge = EndingRise(task, signals_ST, closed_AT, i, start, debounce, nullptr);
    ends.push_back(edge < 0 ? -1 : edge + 1);
  }
  ends.push_back(length);
  return ends;
}

// What is odd about a signal that is to end its subtask at `end` and may rise from `start` on.
std::vector<std::string> OddOf(const Signal& rows, int start, int end, int debounce) {
  std::vector<std::string> flags;
  std::vector<int> again;
  std::string brief;
  for (int t = 1; t < static_cast<int>(rows.size()); ++t) {
    const auto at = [&](int i) { return rows[static_cast<size_t>(i)] != 0; };
    if (at(t - 1) || !at(t)) continue;
    int stays = 1;
    while (t + stays < static_cast<int>(rows.size()) && at(t + stays)) ++stays;
    const bool cut = t + stays == static_cast<int>(rows.size());
    if (end >= 0 && t >= end) again.push_back(t);
    if (t >= start && stays < debounce && !cut && brief.empty() && (end < 0 || t < end)) {
      brief = fmt::format("short: rises at {} for {} steps", t, stays);
    }
  }
  if (end < 0) {
    const int early = RisingEdge(rows, 0, debounce);
    if (early >= 0) {
      flags.push_back(
          fmt::format("out of order: rises at {}, the subtask begins at {}", early, start));
    } else if (!rows.empty() && rows[0] != 0) {
      flags.push_back("never rises: holds from the start");
    } else {
      flags.push_back("never rises");
    }
  }
  if (!brief.empty()) flags.push_back(brief);
  if (!again.empty()) flags.push_back(fmt::format("rises again at {}", again[0]));
  return flags;
}

// Why an inferred signal rises at an instant.
std::string Because(const InferredPredicate& inferred, int instant) {
  const auto later = inferred.because.upper_bound(instant);
  return later == inferred.because.begin() ? "" : std::prev(later)->second;
}

Signal ToSignal(const std::vector<Truth>& values) {
  Signal signal;
  for (const Truth value : values) signal.push_back(value == Truth::kTrue);
  return signal;
}

bool Known(const InferredPredicate& inferred) { return inferred.unknown.empty(); }

// Flags of ends that leave a segment no step, as segmentation would report them.
void CheckOffsets(const TaskSpec& task, const Annotation& annotation, int length, int debounce,
                  SubtaskEnd* last) {
  std::vector<Signal> rows;
  for (size_t i = 0; i + 1 < task.subtasks.size(); ++i) {
    if (annotation.ends[i].end < 0) return;
    rows.push_back(RowsOf(annotation.signals_SI[PlaceOf(task, task.subtasks[i].signal)], length));
  }
  const Segmentation segmentation = SegmentBySignals(task, rows, length, debounce);
  last->flags.insert(last->flags.end(), segmentation.problems.begin(), segmentation.problems.end());
}

}  // namespace

Annotation Annotate(const TaskSpec& task, const Episode& episode,
                    const std::vector<Observation>* seen, const AnnotateRules& rules) {
  const size_t instants = CountInstants(episode);
  Require(seen == nullptr || seen->size() == instants, "something is seen at every instant");
  const int length = static_cast<int>(episode.length());
  const std::vector<std::string> names = task.signal_names();
  const std::map<std::string, InferredPredicate> inferred =
      InferPredicates(task, episode, InferGrasps(episode));

  // the signals, by the best evidence
  Annotation result;
  std::vector<Signal> inferred_SI;
  for (const std::string& name : names) inferred_SI.push_back(ToSignal(inferred.at(name).values));
  if (seen != nullptr) {
    result.signals_SI.assign(names.size(), {});
    result.success_I.emplace();
    for (const Observation& observation : *seen) {
      Require(observation.signals.size() == names.size(), "a simulator sees every signal");
      for (size_t s = 0; s < names.size(); ++s) {
        result.signals_SI[s].push_back(observation.signals[s]);
      }
      result.success_I->push_back(observation.success);
    }
  } else {
    result.signals_SI = inferred_SI;
    const InferredPredicate& success = inferred.at(task.success);
    if (Known(success)) result.success_I = ToSignal(success.values);
  }

  // where subtasks end, and why
  ClosedRows closed_AT(episode.meta.arms.size());
  for (const Step& step : episode.steps) {
    for (size_t a = 0; a < closed_AT.size(); ++a) {
      closed_AT[a].push_back(step.action.arms.at(a).gripper > 0);
    }
  }
  const std::vector<int> ends =
      FindEnds(task, result.signals_SI, closed_AT, length, rules.debounce);
  const std::vector<int> poses_say = FindEnds(task, inferred_SI, closed_AT, length, rules.debounce);
  for (size_t i = 0; i + 1 < task.subtasks.size(); ++i) {
    SubtaskEnd line;
    line.signal = task.subtasks[i].signal;
    line.end = ends[i];
    const InferredPredicate& from_poses = inferred.at(line.signal);
    const Signal rows = RowsOf(result.signals_SI[PlaceOf(task, line.signal)], length);
    line.flags = OddOf(rows, StartOf(task, ends, i), line.end, rules.debounce);
    if (seen != nullptr) {
      if (line.end >= 0) {
        line.evidence = fmt::format("{} from step {} (states restored)",
                                    Words{task}.Of(line.signal), line.end - 1);
      }
      if (Known(from_poses)) line.inferred = poses_say[i];
      if (line.inferred && *line.inferred < 0 && line.end >= 0) {
        line.flags.push_back("poses do not show it");
      } else if (line.inferred && std::abs(*line.inferred - line.end) > rules.tolerance) {
        line.flags.push_back(fmt::format("poses say {}", *line.inferred));
      }
    } else {
      line.confidence = from_poses.confidence;
      if (line.end >= 0) line.evidence = "inferred: " + Because(from_poses, line.end - 1);
      if (!Known(from_poses)) line.flags.push_back("not known: " + from_poses.unknown);
      if (from_poses.ambiguous) line.flags.push_back("ambiguous");
      if (line.confidence < kUncertain) line.flags.push_back("uncertain");
    }
    result.ends.push_back(std::move(line));
  }
  SubtaskEnd last;
  last.end = length;
  last.evidence = "the demonstration ends";
  CheckOffsets(task, result, length, rules.debounce, &last);
  result.ends.push_back(std::move(last));
  return result;
}

std::optional<RefusedEnd> RefuseEnds(const TaskSpec& task, const Annotation& annotation,
                                     const std::vector<std::optional<WantedEnd>>& wanted,
                                     int length, int debounce) {
  Require(wanted.size() == annotation.ends.size(), "a wish per subtask");
  std::vector<int> ends;  // -1: none
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (i + 1 == wanted.size()) {
      if (!wanted[i] || (!wanted[i]->skip && wanted[i]->end == length)) break;
      return RefusedEnd{i,
                        fmt::format("the last subtask ends with the demonstration, at {}", length)};
    }
    ends.push_back(-1);
    if (wanted[i] && wanted[i]->skip) continue;
    const int end = wanted[i] ? wanted[i]->end : annotation.ends[i].end;
    if (end < 0 && !wanted[i]) continue;
    const int start = StartOf(task, ends, i);
    // an end that was found may be odd: its flags say so
    if (end <= start && start > 0) {
      // the last wish of those that this follows from
      size_t to_blame = i;
      for (size_t j = 0; j < i && !wanted[i]; ++j) {
        if (wanted[j] && WaitsFor(task, i, j)) to_blame = j;
      }
      return RefusedEnd{to_blame,
                        fmt::format("subtask {} would end at {}, not after the end of the "
                                    "one before, {}",
                                    i, end, start)};
    }
    // the signal is 0 in a row before, and stays
    const int high = std::min(length - debounce + 1, length - 1);
    if (wanted[i] && (end < 2 || end > high)) {
      return RefusedEnd{
          i,
          fmt::format("end {} lies outside [2, {}]: there are {} steps, and a signal stays for {}",
                      end, high, length, debounce)};
    }
    ends.back() = end;
  }
  return std::nullopt;
}

void ApplyEnds(const TaskSpec& task, const std::vector<std::optional<WantedEnd>>& wanted,
               int length, int debounce, Annotation* annotation) {
  Require(wanted.size() == annotation->ends.size(), "a wish per subtask");
  std::vector<int> ends;  // -1: none
  for (size_t i = 0; i + 1 < annotation->ends.size(); ++i) {
    SubtaskEnd& line = annotation->ends[i];
    Signal& signal = annotation->signals_SI[PlaceOf(task, line.signal)];
    const std::string found = line.end < 0 ? "none" : std::to_string(line.end);
    if (wanted[i] && wanted[i]->skip) {
      std::fill(signal.begin(), signal.end(), uint8_t{0});
      line.end = -1;
      line.skipped = true;
      line.evidence = "skipped by the review";
      line.flags = {fmt::format("skipped: was {}", found)};
    } else if (wanted[i] && wanted[i]->end != line.end) {
      line.end = wanted[i]->end;
      line.confidence = 1;
      line.evidence = "set by the review";
      line.flags = {fmt::format("edited: was {}", found)};
    }
    const int start = StartOf(task, ends, i);
    ends.push_back(line.end);
    if (line.end < 0) continue;

    // the edge stands where it is wanted, and none that counts stands before
    const int edge = line.end - 1;
    const int stood = RisingEdge(RowsOf(signal, length), start, debounce);
    if (stood != edge) {
      const auto at = [&](int row) { return signal.begin() + row; };
      std::fill(at(0), at(edge), uint8_t{0});
      std::fill(at(edge), at(std::max(edge + debounce, stood)), uint8_t{1});
    }
    Require(RisingEdge(RowsOf(signal, length), start, debounce) == edge,
            "ends that RefuseEnds takes can be made");
  }
}

}  // namespace understudy
