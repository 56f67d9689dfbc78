#include "data/seam/simulator.h"

#include <cmath>

#include "data/base/error.h"

namespace understudy {

void Simulator::Restore(const SimState& state) {
  Require(state.size() == info().state_size, "a state belongs to the simulator that saved it");
  DoRestore(state);
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
