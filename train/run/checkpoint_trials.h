#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/base/options.h"
#include "train/run/event_file.h"

namespace understudy {

// Which checkpoints of a training are tried in closed loop while it goes on.
struct TrialOptions {
  int64_t episodes = 0;
  std::string task;
  std::string variant = "D0";
  uint64_t seed = 1'000'003;
  int horizon = 0;
  int workers = 1;
  int videos = 1;
  template <class V>
  void Visit(V& v) {
    v("episodes", episodes,
      "try every checkpoint in so many episodes, in a process of its own; 0: none is tried",
      Limits{0, 1e6}, Effect::kPlace);
    v("task", task, "listed task or path of a task.yaml; empty: that of the data", Effect::kPlace);
    v("variant", variant, "reset distribution", Effect::kPlace);
    v("seed", seed,
      "of the episodes that choose a checkpoint: evaluate the chosen one with others, as its "
      "rate on these is too good",
      Effect::kPlace);
    v("horizon", horizon, "policy steps of an episode; 0: the task's", Limits{0, 1e6},
      Effect::kPlace);
    v("workers", workers, "threads of the evaluation", Limits{1, 1024}, Effect::kPlace);
    v("videos", videos,
      "successes and failures of each trial that are filmed, beside its report and in the "
      "TensorBoard files",
      Limits{0, 100}, Effect::kPlace);
  }
};

// Tries checkpoints beside the training. One thread.
class CheckpointTrials {
 public:
  virtual ~CheckpointTrials() = default;

  struct Result {
    int64_t step = 0, successes = 0, episodes = 0;
    std::vector<EncodedPicture> films;  // as Take gives them, once
    double rate() const { return static_cast<double>(successes) / static_cast<double>(episodes); }
  };
  // At once, or after those that were started before.
  virtual void Start(int64_t step, const std::filesystem::path& checkpoint) = 0;
  // What has come since the last call; with `wait`, of all that were started, unless an interrupt
  // is requested meanwhile.
  virtual std::vector<Result> Take(bool wait) = 0;
  // Steps whose checkpoints are still needed.
  virtual std::vector<int64_t> pending() const = 0;
  // All results of the run, of earlier processes too.
  virtual const std::vector<Result>& results() const = 0;
};

// The step of the highest rate; of equal ones the latest.
std::optional<int64_t> BestOf(const std::vector<CheckpointTrials::Result>& results);

}  // namespace understudy
