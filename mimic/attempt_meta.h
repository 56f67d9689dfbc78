#pragma once

#include <string>

#include "data/base/rng.h"
#include "data/seam/simulator.h"
#include "mimic/attempt.h"
#include "mimic/source_set.h"

namespace understudy {

// What the episode of an attempt tells of itself: names, sources, settings, cause, counts, and a
// uuid of everything that the attempt depends on. Rows then name their source by its place in the
// episode's own list.
void FillMeta(const SourceSet& sources, const SimulatorInfo& info, const std::string& variant,
              const RngKey& key, const Json& settings, Attempt* attempt);

}  // namespace understudy
