#include "core/spec/physics_variation.h"

#include <fmt/format.h>

#include "core/base/error.h"

namespace understudy {

std::string PartOf(const PhysicsEdit& edit) {
  return std::visit(
      []<class One>(const One& one) {
        const auto of = [](const std::string& name) {
          return fmt::format("{} of '{}'", One::kTag, name);
        };
        if constexpr (requires { one.object; }) return of(one.object);
        if constexpr (requires { one.body; }) return of(one.body);
        if constexpr (requires { one.arm; }) return of(one.arm);
        if constexpr (requires { one.geom; }) return of(one.geom);
        if constexpr (requires { one.joint; }) return of(one.joint);
        if constexpr (requires { one.actuator; }) return of(one.actuator);
        if constexpr (requires { one.fixture; }) return of(one.fixture);
        if constexpr (requires { one.thing; }) return of(one.thing);
        return std::string(One::kTag);
      },
      edit);
}

void RequireNominal(const PhysicsVariation& variation, const std::string& who) {
  if (variation.edits.empty()) return;
  ThrowBadInput(who + " knows the nominal world only, and one with other physics is asked for");
}

}  // namespace understudy
