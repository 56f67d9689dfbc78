#pragma once

#include <mujoco/mujoco.h>

#include <vector>

#include "core/base/rng.h"
#include "core/seam/simulator.h"
#include "core/spec/physics_variation.h"
#include "sim/model_index.h"

namespace understudy {

// Places the things of `clutter` in `data`, where all else stands at its start, each as its
// DistractorEdit says, one after the other by rejection, and all again where one finds no place.
// Depends on the start and on `key` only. Throws Error(kFailed) where a thing finds no place in
// several rounds, with what was in its way how often in the last one.
void PlaceClutter(const mjModel& model, const ModelIndex& index, const SimulatorInfo& info,
                  const std::vector<DistractorEdit>& clutter, const RngKey& key, mjData* data);

}  // namespace understudy
