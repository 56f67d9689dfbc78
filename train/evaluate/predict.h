#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "train/evaluate/open_loop.h"

namespace understudy {

struct PredictOptions {
  // changes results
  std::string dataset;
  std::vector<std::string> episodes;
  std::optional<int64_t> row;
  int every = 0;
  std::string embodiment, features;
  SelectionOptions selection{.only_successes = false};
  ReadOptions read;
  static constexpr std::array kUnwritten{"embodiment",
                                         "features",
                                         ReadOptions::kOutsideLinks,
                                         ReadOptions::kQuaternions,
                                         ReadOptions::kSkipBad,
                                         ReadOptions::kMap};
  template <class V>
  void Visit(V& v) {
    v("dataset", dataset, "file or folder with the rows, of any format", kRequired);
    v("episodes", episodes, "names of those to ask about, as demo_3; empty: the first one");
    v("row", row, "ask at this row only; null: at every chunk's start", Limits{0, 1e12});
    v("every", every, "rows from one chunk's start to the next; 0: as many as the policy executes",
      Limits{0, 1e6});
    v("embodiment", embodiment,
      "of a policy that was trained on several; empty: the one that fits the dataset");
    v("features", features,
      "folder of the backbone's features of the dataset, for a policy that sees them");
    v("selection", selection, "of the dataset");
    read.Visit(v);
  }
};

// One chunk beside what was recorded, as seen from its row.
struct PredictedChunk {
  int64_t row = 0;
  std::vector<std::vector<double>> predicted, recorded;  // T x A; recorded as far as it goes
};

struct PredictedEpisode {
  std::string name;
  int64_t length = 0;
  std::vector<PredictedChunk> chunks;
};

// Numbers in the units in which the policy was trained: as stored, or m, rad and gripper commands
// as seen from the row.
struct PredictReport {
  std::string policy;              // hash of the weights
  std::vector<std::string> names;  // of the numbers of an action
  int execute = 0;                 // actions of a chunk meant to be executed
  std::vector<PredictedEpisode> episodes;
  std::vector<double> mean_absolute, root_mean_square;  // of each number, over what is executed
  double latency_p50_ms = 0, latency_p90_ms = 0;        // of a chunk, wall clock
  bool interrupted = false;
  Json ToJson() const;
};

// Asks the policy along episodes, or at one row. Throws Error(kBadInput) as RecordedRows, and where
// an episode or row is not there, naming those that are.
PredictReport Predict(const PolicyArtefact& policy, const SampleLayout& layout,
                      const ChunkModel& model, const PredictOptions& options, Progress& progress);

}  // namespace understudy
