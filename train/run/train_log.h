#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "core/base/json.h"
#include "train/run/update_engine.h"

namespace understudy {

// One point of the loss curve: means since the point before.
struct TrainLogRow {
  int64_t step = 0;
  LossReport losses;
  std::optional<double> held_out;                 // loss of what is not learnt from
  std::optional<double> flop_use;                 // ComputeCost: share of the peak that is used
  double samples_per_s = 0, data_wait_share = 0;  // wall clock
};

Json ToJson(const TrainLogRow& row);

// log.json of a run, {"rows": [...]} in one line. A row is appended in place and synced, so that
// the work per row does not grow with the run; after each row the file is whole JSON.
class TrainLog {
 public:
  explicit TrainLog(std::filesystem::path file) : file_(std::move(file)) {}

  // Rows up to `step` of the file, if there is one. Later rows, and the unfinished row that a
  // killed run may leave at the end, are removed from it. Throws Error(kBadInput) if the file is
  // damaged elsewhere.
  std::vector<TrainLogRow> Resume(int64_t step);

  // Without Resume before, the first row replaces the file. Throws Error(kFailed).
  void Append(const TrainLogRow& row);

 private:
  std::filesystem::path file_;
  size_t size_ = 0;  // bytes of the file; 0: not written yet
};

}  // namespace understudy
