#pragma once

#include <sys/types.h>

#include <deque>
#include <filesystem>
#include <utility>
#include <vector>

#include "core/base/progress.h"
#include "train/run/checkpoint_trials.h"

namespace understudy {

// Trials by `understudy evaluate`, one process after another at a lower priority, whose reports
// stand in <run>/trials/<step>.json and whose words beside them in <step>.log.
class ProcessTrials : public CheckpointTrials {
 public:
  // With `resumes` reads the reports of earlier processes. `progress` reports failed trials, which
  // do not end the training; it must outlive this.
  ProcessTrials(const TrialOptions& options, const std::filesystem::path& run, bool resumes,
                Progress& progress);
  ~ProcessTrials() override;  // ends a trial that still goes on

  void Start(int64_t step, const std::filesystem::path& checkpoint) override;
  std::vector<Result> Take(bool wait) override;
  std::vector<int64_t> pending() const override;
  const std::vector<Result>& results() const override { return results_; }

 private:
  std::filesystem::path File(int64_t step, const char* extension) const;
  void Next();

  const TrialOptions options_;
  const std::filesystem::path folder_;
  Progress& progress_;
  std::deque<std::pair<int64_t, std::filesystem::path>> waiting_;  // the first one runs
  pid_t child_ = 0;                                                // 0: none
  std::vector<Result> results_;
};

}  // namespace understudy
