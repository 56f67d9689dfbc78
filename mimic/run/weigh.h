#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/progress.h"
#include "mimic/attempt/attempt.h"
#include "mimic/attempt/worker.h"
#include "mimic/sources/source_set.h"

namespace understudy {

// Counts attempts: a subtask that was ended well speaks for its source, the one that an attempt
// failed in against it; later ones say nothing. The weight is the mean of a Beta(1, 1) prior with
// these counts (Laplace's rule of succession), so that what was never tried keeps a half.
class SourceScores {
 public:
  SourceScores(size_t subtasks, size_t sources);
  void Add(const Attempt& attempt);
  SourceWeights Weights() const;

 private:
  std::vector<std::vector<int64_t>> good_, begun_;  // [subtask][source]
};

// What `attempts` attempts of `variant` under keys of their own (not those of the run) say of the
// sources. Depends on its arguments only, `threads` and `progress` aside. Nothing where an
// interrupt was requested: half of the attempts say something else than all.
std::optional<SourceWeights> WeighSources(const SourceSet& sources, const TaskSpec& task,
                                          const WorkerSeams& seams, const std::string& variant,
                                          uint64_t seed, const GenerateOptions& generate,
                                          int64_t attempts, int threads, Progress& progress);

}  // namespace understudy
