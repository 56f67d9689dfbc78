#pragma once

#include <memory>

#include "core/seam/state_validity.h"
#include "sim/scene.h"

namespace understudy {

// StateValidity of arm 0 of `scene` by MuJoCo's collision detection, on the geoms that collide in
// the simulation. Everything that moves with the arm is checked against the rest of the scene and,
// without margin, against the arm itself. Parts fixed to the hand (palm, fingers, held object and
// what lies on it) are not checked against each other. Keeps `scene` alive. Has its own data, so it
// disturbs no simulator.
std::unique_ptr<StateValidity> MakeStateValidity(std::shared_ptr<const Scene> scene);

}  // namespace understudy
