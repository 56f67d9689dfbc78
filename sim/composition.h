#pragma once

#include <mujoco/mujoco.h>

#include <string>

#include "core/spec/physics_variation.h"
#include "sim/model_index.h"

namespace understudy {

// Parts that are put into a scene, or into another shape. Everything is made of primitives with
// materials that the scene has: whoever draws it uploads nothing new.

// Why the shape of an object cannot be varied; empty: it can.
std::string FixedShape(const mjModel& model, const ObjectIndex& object);

// What of `world` composition needs to know: materials, cameras, solids, and the working space.
void AddSurroundings(const mjModel& model, const ModelIndex& index, const TaskSpec& task,
                     PhysicsInventory* world);

// The names of bodies.
std::string FixtureBody(const FixtureEdit& edit);
std::string ClutterBody(const DistractorEdit& edit);

void AddFixture(const FixtureEdit& edit, mjSpec* spec);
// High above the scene, until a start places it.
void AddDistractor(const DistractorEdit& edit, size_t number, mjSpec* spec);
void Reshape(const ObjectShapeEdit& edit, mjsBody* body);

}  // namespace understudy
