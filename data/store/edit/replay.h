#pragma once

#include <cstdint>
#include <vector>

#include "core/base/json.h"
#include "core/base/progress.h"
#include "core/seam/dataset_header.h"
#include "core/seam/episode_source.h"
#include "core/seam/simulator.h"
#include "data/store/edit/verify.h"

namespace understudy {

// Key of a header's task: the predicates whose counters the states hold, if they are not those of
// the task, as after annotating signals without restoring the states.
inline constexpr const char* kCountedPredicates = "counted_predicates";
// The predicates whose counters the states of a dataset hold; null if unknown.
Json CountedPredicates(const DatasetHeader& header);

struct ReplayOptions {
  double tolerance = 0;  // largest difference of any number of a state; 0: bit by bit
  int threads = 0;
  Json predicates;  // of the task of the simulators; null if unknown
};
struct ReplayReport {
  int64_t episodes = 0, bit_exact = 0;
  double worst_error = 0;
  std::vector<Fault> faults;
};
// Applies each episode's actions from its first state and compares all states. `simulators` make
// the twin that `info` describes. Throws Error(kBadInput) where the dataset is of another task,
// robot or size of state, holds no exact states, or says that they count other predicates.
ReplayReport VerifyReplay(const EpisodeSource& reader, const SimulatorInfo& info,
                          const SimulatorFactory& simulators, const ReplayOptions& options,
                          Progress& progress);

}  // namespace understudy
