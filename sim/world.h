#pragma once

#include <mujoco/mujoco.h>

#include <optional>
#include <vector>

#include "core/seam/simulator.h"
#include "core/spec/physics_variation.h"
#include "core/spec/task_spec.h"
#include "sim/model_index.h"

namespace understudy {

// What of a world stands in no model.
struct WorldParts {
  std::vector<std::vector<double>> start;  // rad, by arm, where it is not the posture at home
  double delay = 0;                        // s, of the actuators' commands in a policy step
  std::optional<ObservationNoiseEdit> noise;
  std::vector<DistractorEdit> clutter;  // in the order in which it is placed
};

// Everything of the nominal world that an edit can name, with its values. Parts without a name are
// left out.
PhysicsInventory MakePhysicsInventory(const mjModel& model, const ModelIndex& index,
                                      const TaskSpec& task, const SimulatorInfo& info);

// The edits of `variation` that change something of the nominal world, in the order in which they
// are applied. Throws Error(kBadInput) that lists every edit that names something unknown or cannot
// be done.
PhysicsVariation EffectiveEdits(const PhysicsVariation& variation,
                                const PhysicsInventory& inventory);

// A world in the making: copies of the nominal one's parts.
struct WorldDraft {
  mjSpec* spec;          // not owned
  const mjModel* model;  // the nominal one
  TaskSpec* task;
  SimulatorInfo* info;
  WorldParts* parts;
};

// Applies effective edits. The model is compiled from the spec afterwards, so that everything that
// follows from an edit (inertia, bounds, what the solver's shortcuts rest on) is that of the world.
void EditWorld(const PhysicsVariation& effective, const Pose& X_PB, const WorldDraft& draft);

// What needs a compiled world: to be called with it, and the spec compiled again where it returns
// true.
bool ShiftCentres(const PhysicsVariation& effective, const mjModel& compiled, mjSpec* spec);

// Adds the noise of the observation at `step` policy steps since the start.
void AddNoise(const ObservationNoiseEdit& noise, int64_t step, Observation* observation);

}  // namespace understudy
