#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/episode/attempt_record.h"
#include "core/spec/task_spec.h"
#include "mimic/run/balance.h"
#include "mimic/run/generator.h"
#include "mimic/run/report.h"
#include "mimic/sources/source_set.h"

namespace understudy {

// The attempts that may be started: [first, last).
struct AttemptRange {
  int64_t first = 0, last = 0;
  int64_t count() const { return last - first; }
};
// Throws Error(kUsage) for a run without bound, and for a part of one that is bounded by successes.
AttemptRange RangeOf(const RunOptions& options);

// What balance keeps of a run whose starts are those of `objects`.
Balance BalanceOf(const RunOptions& options, const TaskSpec& task,
                  const std::vector<std::string>& objects);

// What a run has come to, and whether it is over. It is fed with the attempts in their order, first
// with those that a sink holds already: a run that goes on knows what one that never stopped knows.
class RunState {
 public:
  // Keeps the references. `objects` as the records' start poses.
  RunState(const SourceSet& sources, const TaskSpec& task, const RunOptions& options,
           const std::vector<std::string>& objects);

  // Takes what the sink holds. Throws Error(kBadInput) naming the sink where that is damaged, is
  // another part of the run, or is more than this run makes.
  void ReadBack(AttemptSink& sink);
  // The next attempt. A success that balance has no room for is marked as surplus. Returns whether
  // its episode is written.
  bool Add(AttemptRecord* record);

  const AttemptRange& range() const { return range_; }
  const MimicSummary& summary() const { return summary_; }
  int64_t next() const { return range_.first + summary_.attempts(); }  // number of the next attempt
  // Bounds that cut at the same attempt for any number of threads.
  bool enough() const;    // successes
  bool hopeless() const;  // the rate is surely below min_rate
  bool all_made() const { return next() >= range_.last; }
  bool over() const { return enough() || hopeless() || all_made(); }

  // With how the run came to its end; `interrupted`: a stop was requested.
  MimicReport Report(bool interrupted) const;

 private:
  std::string StopReason(const MimicReport& report) const;
  std::string FaultOf(const AttemptRecord& record) const;

  const TaskSpec& task_;
  const RunOptions& options_;
  const AttemptRange range_;
  const size_t objects_, sources_;
  const int most_steps_;
  MimicSummary summary_;
  Balance balance_;
  int64_t written_ = 0;
};

}  // namespace understudy
