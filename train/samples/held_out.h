#pragma once

#include <cstdint>
#include <utility>

#include "train/samples/training_set.h"

namespace understudy {

// A set to learn from, and one that is kept apart: that share of the trajectories, at least one.
// They are chosen by seed and origin, wherever they stand, and all looks of a trajectory are on one
// side. Throws Error(kBadInput) where nothing would be left to learn from.
std::pair<TrainingSet, TrainingSet> HoldOut(TrainingSet set, double share, uint64_t seed);

}  // namespace understudy
