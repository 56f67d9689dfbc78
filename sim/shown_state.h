#pragma once

#include <mujoco/mujoco.h>

#include "core/episode/observation.h"
#include "core/seam/simulator.h"
#include "sim/looks/model_look.h"

namespace understudy {

// What those who show a recorded state share: the renderer and the view of pages.

// Sets a simulator's state, or the flat [time, qpos, qvel] that other tools store. False: it is of
// another scene than `info`'s, and nothing is set.
bool SetShownState(const SimulatorInfo& info, const SimState& state, const mjModel& model,
                   mjData* data);

// Places bodies, cameras and lights: all of the forward pass that rigid parts need.
void PlaceShown(const mjModel& model, const ModelLook& look, mjData* data);

// Vertical field of view; MuJoCo derives that of a camera given by its sensor.
double FieldOfViewDeg(const mjModel& model, int camera);

}  // namespace understudy
