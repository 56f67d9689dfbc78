#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/options.h"
#include "core/base/progress.h"
#include "core/base/statistics.h"
#include "core/spec/task_spec.h"
#include "mimic/attempt/attempt.h"
#include "mimic/attempt/worker.h"
#include "mimic/sources/source_set.h"

namespace understudy {

// How long to search.
struct TuneOptions {
  std::string variant = "D0";
  uint64_t seed = 1;
  int attempts = 48;
  int trials = 24;
  int check_attempts = 200;
  int threads = 0;
  int64_t attempts_at_most() const {
    return int64_t{attempts} * (1 + int64_t{trials}) + 2 * int64_t{check_attempts};
  }
  template <class V>
  void Visit(V& v) {
    v("variant", variant, "reset distribution of the task");
    v("seed", seed, "of everything random");
    v("attempts", attempts, "per setting that is tried, on the same starts for all",
      Limits{4, 1e6});
    v("trials", trials, "settings that are tried at most", Limits{1, 1e5});
    v("check_attempts", check_attempts, "on other starts, before and after the search",
      Limits{10, 1e7});
    v("threads", threads, "0: one per core; results do not depend on it", Limits{0, 4096},
      Effect::kSpeed);
  }
};

// One setting that was tried in place of the best so far, on the same starts.
struct TuneTrial {
  std::string change;        // "subtasks[1].replay: hand -> held"
  int gained = 0, lost = 0;  // starts that succeed now and did not, and the other way round
  bool kept = false;
};

struct TuneRate {
  int64_t attempts = 0, successes = 0;
  double rate() const { return attempts > 0 ? double(successes) / double(attempts) : 0; }
  Interval interval() const { return WilsonInterval(successes, attempts); }
};

struct TuneReport {
  std::string task, variant;
  std::vector<Subtask> subtasks;  // the best settings found; the task's own where none is better
  std::vector<std::string> leave_out;  // sources without which it is better (MimicOptions)
  std::vector<std::string> changes;
  std::vector<TuneTrial> trials;
  TuneRate before, after;  // on starts that the search did not see
  bool better =
      false;  // surely: more starts gained than lost, McNemar's exact test, one-sided, at 5 %
  bool interrupted = false;
  Json ToJson() const;
};

// The content of a file that ReadSubtasks takes, with every setting in it, at its default or not:
// it makes the subtasks of a task these, whatever they were. `leave_out` are sources that it is to
// be used without.
Json SubtasksFile(const std::vector<Subtask>& subtasks,
                  const std::vector<std::string>& leave_out = {});

// The sources that such a file is used without; none of an empty path. Throws Error(kBadInput).
std::vector<std::string> ReadLeaveOut(const std::filesystem::path& file);

// Searches the settings of the task's subtasks for a higher rate of success: from the causes of the
// failures to the changes that answer them, one change at a time, each compared with the best so
// far on the same starts (common random numbers) and kept where it gains more than it loses; a
// source that spoils the run (SpoilingSources) is left out likewise; at
// last the best and the task's own are compared on starts that the search has not seen. Noise and
// signals are left alone: less noise means more successes and worse policies.
// Depends on its arguments only. Throws Error(kUsage) for an unknown variant.
TuneReport Tune(const SourceSet& sources, const TaskSpec& task, const WorkerSeams& seams,
                const GenerateOptions& generate, const TuneOptions& options, Progress& progress);

// What is worth trying where attempts of `task` fail with `cause` in subtask `place`, best first.
// Settings that the task does not allow (Validate) are left out.
struct TuneChange {
  std::string what;
  TaskSpec task;
  std::string leave_out = {};  // a source; empty: none
};
std::vector<TuneChange> ChangesFor(const TaskSpec& task, FailureCause cause, size_t place);

}  // namespace understudy
