#include "data/seam/simulator.h"

#include <fmt/format.h>

#include <cmath>

#include "data/base/error.h"

namespace understudy {

void Simulator::Restore(const SimState& state) {
  Require(state.size() == info().state_size, "a state belongs to the simulator that saved it");
  DoRestore(state);
}

std::string Simulator::Revisit(const SimState& state, const std::vector<Pose>& X_WO, bool first) {
  Require(X_WO.empty() || X_WO.size() == info().objects.size(), "a pose per object, or none");
  const size_t flat = info().flat_state_size;
  if (state.size() < flat) {
    return fmt::format("states of {} numbers where [time, qpos, qvel] has {}", state.size(), flat);
  }
  // beyond this, physics engines start anew by themselves
  constexpr double kLargest = 1e9;
  for (const double number : state) {
    if (!(std::abs(number) < kLargest)) return "a state with a number that is none";
  }
  return DoRevisit(state, X_WO, first);
}

StepOutcome Simulator::Step(const Action& action) {
  Require(action.arms.size() == info().arms.size(), "an action has one entry per arm");
  for (const ArmAction& arm : action.arms) {
    Require(arm.X_WE_cmd.translation().allFinite() && std::isfinite(arm.gripper),
            "an action needs finite numbers");
  }
  return DoStep(action);
}

}  // namespace understudy
