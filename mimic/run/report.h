#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/base/json.h"
#include "core/base/statistics.h"
#include "core/episode/attempt_record.h"
#include "core/spec/reset_bins.h"
#include "core/spec/task_spec.h"
#include "mimic/sources/source_set.h"

namespace understudy {

// Where objects started, and how it went from there: equal bins over a variant's reset range.
struct Coverage : ResetBins {
  std::string object;
  size_t place = 0;                          // of the object in the simulator's list
  std::vector<int64_t> attempts, successes;  // by bin
  double covered() const;                    // share of the bins that hold a success
};

// Where time went in this process (a resumed run counts its own part only). Wall clock: no part of
// the content.
struct MimicTimes {
  double wall_s = 0;     // of the run
  double busy_s = 0;     // inside attempts, summed over threads
  double step_s = 0;     // inside Simulator::Step
  double physics_s = 0;  // of it inside the physics engine
  int64_t attempts = 0, steps = 0, substeps = 0;
  int threads = 1;
};

// How far attempts came. What was begun was ended well or is where an attempt failed; of parallel
// subtasks those that another one's failure cut short do not count.
struct SubtaskUse {
  int64_t begun = 0;  // attempts that ended it well or failed in it
  int64_t ended = 0;  // of them those that ended it well
  int64_t timed = 0;  // attempts whose steps in it are known
  int64_t steps = 0;  // of these
};

// Attempts that ended in one way.
struct FailureKind {
  int64_t count = 0;
  int64_t steps = 0;           // of all of them
  std::vector<int64_t> first;  // numbers of the first ones, MimicReport::kSamples at most
};

// How long attempts were: bin i holds those of [i, i + 1) * kBinSteps steps.
struct LengthHistogram {
  static constexpr int kBinSteps = 5;
  std::vector<int64_t> successes, failures;  // as many bins in both
};

struct SourceUse {
  std::string name, uuid;
  int64_t segments = 0;      // subtasks that were taken from it
  int64_t in_successes = 0;  // of them in successful attempts
};

// Whether an attempt's episode belongs into the dataset: a success that balance keeps; with
// `keep_failed` a failure too, unless it has no rows (out of reach at once).
bool IsWritten(const AttemptRecord& record, bool keep_failed);

// What a generation run did.
struct MimicReport {
  static constexpr size_t kSamples = 3;

  std::string task, variant;
  uint64_t seed = 0;
  int64_t attempts = 0, successes = 0, episodes = 0;  // episodes: written
  int64_t surplus = 0;  // successes that are not kept, for balance (Balance)
  std::map<std::string, std::vector<int64_t>> failures;  // cause -> count per subtask
  std::map<std::pair<std::string, int32_t>, FailureKind> failure_kinds;  // by cause and subtask
  std::vector<int64_t> first_successes;  // numbers of the first ones, kSamples at most
  std::vector<SubtaskUse> subtasks;
  LengthHistogram lengths;
  double mean_success_steps = 0, mean_failure_steps = 0;
  int32_t min_success_steps = 0, max_success_steps = 0;
  std::vector<SourceUse> sources;
  SourceWeights source_weights;  // [subtask][source]: how often each is drawn; empty: evenly
  std::vector<SkippedSource> skipped;
  std::vector<SourceNotes> notes;
  std::vector<Coverage> coverage;  // per object
  MimicTimes times;
  bool interrupted = false;              // stopped by the user: the .part file resumes
  bool complete = false;                 // as many attempts or successes as were asked for
  std::string stop_reason;               // in words
  std::vector<std::string> suggestions;  // what to change, from these numbers (Advise)

  double rate() const;
  Interval interval() const { return WilsonInterval(successes, attempts); }
  Json ToJson() const;
  // The same without what depends on clock and thread count: equal for equal content.
  Json ContentJson() const;
};

// The part of the report that follows from the attempts alone, fed with them one by one, so that
// nothing has to keep them.
class MimicSummary {
 public:
  // `objects` as the records' start poses; `bins` of the coverage, per axis.
  MimicSummary(const SourceSet& sources, const TaskSpec& task, const std::string& variant,
               uint64_t seed, const std::vector<std::string>& objects, int bins);
  void Add(const AttemptRecord& record);
  int64_t attempts() const { return report_.attempts; }
  int64_t successes() const { return report_.successes; }
  int64_t kept() const { return report_.successes - report_.surplus; }
  MimicReport Report() const;

 private:
  MimicReport report_;
  int64_t success_steps_ = 0, failure_steps_ = 0;
};

}  // namespace understudy
