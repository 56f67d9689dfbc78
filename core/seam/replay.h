#pragma once

#include <vector>

#include "core/seam/simulator.h"

namespace understudy {

struct ReplayCheck {
  double worst_error = 0;  // largest absolute difference of any entry of any state
  bool bit_exact = true;
  int64_t first_row = -1;  // of the states: the first that is not bit-exact; -1: none
  int64_t worst_row = -1;  // where the largest difference is
};

// Restores `states[0]`, applies the actions and compares every state with the recorded one.
// `states` has one entry more than `actions`, all of the simulator's size. The simulator is left at
// the end of the replay.
ReplayCheck CheckReplay(Simulator& simulator, const std::vector<SimState>& states,
                        const std::vector<Action>& actions);

}  // namespace understudy
