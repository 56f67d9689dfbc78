#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/options.h"
#include "core/base/progress.h"
#include "data/store/read_options.h"
#include "train/run/checkpoint.h"
#include "train/run/chunk_model.h"
#include "train/samples/training_set.h"

namespace understudy {

// Rows of datasets on which a policy is asked what it would do.
struct OpenLoopOptions {
  std::vector<std::string> datasets;  // of any format; empty: none
  std::vector<std::string> features;  // of a policy that sees them; see InputOptions
  int64_t rows = 200;
  static constexpr std::array kUnwritten{"features"};
  template <class V>
  void Visit(V& v) {
    v("datasets", datasets,
      "compare the policy's actions with the recorded ones of these, instead of acting");
    v("features", features,
      "folders of the backbone's features of these, for a policy that sees them");
    v("rows", rows, "of the datasets, spread over them, at most", Limits{1, 1e9});
  }
};

// How far a policy's actions are from the recorded ones, in the units in which it is trained: as
// stored, or m, rad and gripper commands as seen from the row.
struct OpenLoopReport {
  std::string policy;  // hash of the weights
  int64_t episodes = 0, rows = 0, actions = 0;
  std::vector<std::string> names;  // of the numbers of an action
  std::vector<double> error;       // mean absolute error of each
  std::vector<double> mean_chunk;  // the same of the training set's mean chunk
  std::vector<double> by_step;     // of all numbers, each over its error of the mean chunk, by
                                   // step of the chunk
  double share = 0;                // error over that of the mean chunk, mean of the numbers
  bool interrupted = false;
  Json ToJson() const;
};

// Recorded rows on which a policy is asked what it would do.
class RecordedRows {
 public:
  // Throws Error(kBadInput) where a dataset has not the state, action, cameras or arms that the
  // policy was trained on, with every difference, and Error(kUsage) where it sees features and none
  // are given. What it is given must outlive it.
  RecordedRows(const PolicyArtefact& policy, const SampleLayout& layout, const ChunkModel& model,
               const std::vector<std::string>& datasets, const std::vector<std::string>& features,
               const SelectionOptions& selection, const ReadOptions& read, Progress& progress);

  const TrainingSet& set() const { return set_; }
  // The policy's chunk at a row of set().episodes[episode], and the recorded one as seen from
  // there: horizon x action numbers, not normalised; `real` 0 behind the end of the episode. Throws
  // Error(kBadInput) where the episode does not know an object that the policy sees.
  struct Answer {
    std::vector<float> predicted_TA, recorded_TA;
    std::vector<uint8_t> real_T;
  };
  Answer Ask(size_t episode, size_t row) const;

 private:
  const PolicyConfig& config_;
  const SampleLayout& layout_;
  const ChunkModel& model_;
  TrainingSet set_;
  PolicyInfo info_;
};

// Asks for the first `execute` actions of a chunk at rows that lie evenly. Throws as RecordedRows.
OpenLoopReport CompareOpenLoop(const PolicyArtefact& policy, const SampleLayout& layout,
                               const ChunkModel& model, const OpenLoopOptions& options,
                               const SelectionOptions& selection, const ReadOptions& read,
                               Progress& progress);

}  // namespace understudy
