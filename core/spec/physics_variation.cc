#include "core/spec/physics_variation.h"

#include "core/base/error.h"

namespace understudy {

void RequireNominal(const PhysicsVariation& variation, const std::string& who) {
  if (variation.edits.empty()) return;
  ThrowBadInput(who + " knows the nominal world only, and one with other physics is asked for");
}

}  // namespace understudy
