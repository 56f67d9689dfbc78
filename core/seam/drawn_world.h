#pragma once

#include <functional>
#include <string>

#include "core/base/rng.h"
#include "core/seam/simulator.h"
#include "core/spec/physics_variation.h"

namespace understudy {

// The world that a key gives.
using DrawWorld = std::function<PhysicsVariation(const PhysicsInventory&, const RngKey&)>;

// Brings `simulator` to a start of `variant` (Simulator::Reset) in a drawn world, and returns that
// world: the one of `world_key`, or, where Reset fails there since its objects find no free place,
// the next of a fixed sequence of draws that holds a start. Throws Error(kFailed), with the last
// reason, where none of 20 does.
PhysicsVariation StartInDrawnWorld(Simulator& simulator, const DrawWorld& draw,
                                   const RngKey& world_key, const std::string& variant,
                                   const RngKey& start_key);

}  // namespace understudy
