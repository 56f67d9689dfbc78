#pragma once

#include "core/base/json.h"
#include "core/base/options.h"
#include "core/seam/simulator.h"
#include "core/spec/task_spec.h"

namespace understudy {

// What a run stores of its options (MimicOptions). It is made from their Visit: an option with
// Effect::kResults is stored without another line of code, and a run with another value of it does
// not resume.

// Options that change results, and their defaults.
struct StoredOptions {
  template <class Options>
  explicit StoredOptions(const Options& options)
      : chosen(ResultOptions(options)), defaults(ResultOptions(Options{})) {}
  Json chosen, defaults;
};

// What an attempt depends on besides its sources and its key: stored in every episode and hashed
// into its uuid. Left out are options of MimicOptions::VisitSources and RunOptions::VisitBounds.
// Options that are not among the first ones appear only where they differ from their defaults, so
// that a new option does not change the uuids of runs that do not use it.
Json AttemptSettings(const StoredOptions& options, const TaskSpec& task, const SimulatorInfo& info);

// What must be equal for a run to be resumed, stored once for all episodes: `attempts`, the
// settings of its attempts; how its sources are read and its episodes are kept; and `robot`, whose
// gains and home are in no model (null: unknown).
Json RunSettings(const StoredOptions& options, const Json& attempts, const Json& robot);

}  // namespace understudy
