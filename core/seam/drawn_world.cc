#include "core/seam/drawn_world.h"

#include <fmt/format.h>

#include "core/base/error.h"

namespace understudy {

PhysicsVariation StartInDrawnWorld(Simulator& simulator, const DrawWorld& draw,
                                   const RngKey& world_key, const std::string& variant,
                                   const RngKey& start_key) {
  constexpr int kDraws = 20;
  for (int number = 0;; ++number) {
    // randomizers draw by terms of their own
    RngKey key = world_key;
    if (number > 0) key = key.WithVariant(HashOf(fmt::format("{} {}", key.variant, number)));
    try {
      PhysicsVariation world = draw(simulator.inventory(), key);
      simulator.SetWorld(world);
      simulator.Reset(variant, start_key);
      return world;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kFailed) throw;
      if (number + 1 == kDraws) {
        ThrowFailed(fmt::format("{} worlds drawn, and none of them holds a start, the last one: {}",
                                kDraws, error.what()));
      }
    }
  }
}

}  // namespace understudy
