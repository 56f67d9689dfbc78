#pragma once

#include <memory>

#include "core/seam/state_validity.h"
#include "sim/scene.h"

namespace understudy {

// StateValidity of arm 0 of `scene` by MuJoCo's collision detection, on the geoms that collide in
// the simulation. What moves with the arm is judged against everything else and, without margin,
// against the arm itself; what is fixed to the hand (palm, fingers, held object and what lies on
// it) not against each other. Keeps `scene` alive. Has its own data, so it disturbs no simulator.
std::unique_ptr<StateValidity> MakeStateValidity(std::shared_ptr<const Scene> scene);

}  // namespace understudy
