#include "core/seam/replay.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "core/base/error.h"

namespace understudy {

ReplayCheck CheckReplay(Simulator& simulator, const std::vector<SimState>& states,
                        const std::vector<Action>& actions) {
  Require(states.size() == actions.size() + 1, "T actions have T + 1 states");
  ReplayCheck check;
  simulator.Restore(states.front());
  for (size_t k = 0; k < actions.size(); ++k) {
    simulator.Step(actions[k]);
    const SimState state = simulator.Save();
    const SimState& recorded = states[k + 1];
    const auto row = static_cast<int64_t>(k + 1);
    Require(state.size() == recorded.size(), "states of one simulator have one size");
    if (std::memcmp(state.data(), recorded.data(), state.size() * sizeof(double)) == 0) continue;
    if (check.bit_exact) check.first_row = row;
    check.bit_exact = false;
    for (size_t i = 0; i < state.size(); ++i) {
      double error = std::abs(state[i] - recorded[i]);
      // NaN is the worst of all
      if (std::isnan(error)) error = std::numeric_limits<double>::infinity();
      if (error <= check.worst_error) continue;
      check.worst_error = error;
      check.worst_row = row;
    }
  }
  return check;
}

}  // namespace understudy
