#pragma once

// What `understudy data` needs beyond dataset.h.

#include <filesystem>
#include <vector>

#include "core/base/json.h"
#include "core/base/progress.h"
#include "data/store/dataset.h"

namespace understudy {

// {"sound": bool, "episodes", "steps", "bytes_read", "faults": [{"place", "what"}]}
Json ToJson(const VerifyReport& report);

// VerifyDataset in a process of its own, for files from strangers: damage that crashes HDF5 becomes
// a fault. Throws Error(kFailed) where no process can be had.
VerifyReport VerifyApart(const std::filesystem::path& path, int threads = 0,
                         const std::string& episode = "");

// The key of a header's task under which the predicates stand whose counters the states hold, where
// they are others than the task's: signals were annotated without a look at the states.
inline constexpr const char* kCountedPredicates = "counted_predicates";
// The predicates whose counters the states of a dataset hold; null: it does not tell.
Json CountedPredicates(const DatasetHeader& header);

struct ReplayOptions {
  double tolerance = 0;  // largest difference of any number of a state; 0: bit by bit
  int threads = 0;
  Json predicates;  // of the task of the simulators; null: not told
};
struct ReplayReport {
  int64_t episodes = 0, bit_exact = 0;
  double worst_error = 0;
  std::vector<Fault> faults;
};
// Applies each episode's actions from its first state and compares all states. `simulators` make
// the twin that `info` describes. Throws Error(kBadInput) where the dataset is of another task,
// robot or size of state, holds no exact states, or says that they count other predicates.
ReplayReport VerifyReplay(const std::filesystem::path& path, const SimulatorInfo& info,
                          const SimulatorFactory& simulators, const ReplayOptions& options,
                          Progress& progress);

struct RepairReport {
  int64_t episodes_kept = 0, steps_kept = 0;
  std::vector<Fault> dropped;  // episodes left out, and why
  std::string outcome;         // in words
};

// Makes `output` of what is whole in `input`: the .part of a killed writer (its sound episodes and
// its attempts), the .part of a killed recorder (its whole rows), or a finished dataset with
// faults. `input` keeps its episodes; only an unfinished flush of its killed writer is completed or
// undone. Throws Error(kBadInput) where nothing can be read, Error(kFailed) while its writer is
// alive.
RepairReport RepairDataset(const std::filesystem::path& input, const std::filesystem::path& output,
                           bool overwrite);

// "1.10.8", of the library that is loaded.
std::string Hdf5Version();

}  // namespace understudy
