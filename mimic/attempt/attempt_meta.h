#pragma once

#include "core/base/rng.h"
#include "mimic/attempt/attempt.h"
#include "mimic/sources/source_set.h"

namespace understudy {

// Metadata of the episode of a finished attempt, beside what it began with
// (MetaOf): sources, settings, cause, counts, and a uuid of everything that the attempt depends on.
// Rows then name their source by its place in the episode's own list.
void FillMeta(const SourceSet& sources, const RngKey& key, const Json& settings, Attempt* attempt);

}  // namespace understudy
