#pragma once

#include <string>

#include "core/base/progress.h"
#include "core/seam/episode_source.h"
#include "train/samples/training_set.h"

namespace understudy {

// What state and action of a dataset are, as its `episode` shows: poses or joints of the arms where
// they are known and no columns are asked for; else columns. Throws Error(kBadInput) where neither
// are known.
Embodiment EmbodimentOf(const EpisodeSource& source, size_t episode, const InputOptions& inputs,
                        Progress& progress);

// Refuses rows with other arms than `embodiment` has.
void RequireArms(const Episode& episode, const Embodiment& embodiment, const std::string& path);

}  // namespace understudy
