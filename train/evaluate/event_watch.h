#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/episode/action.h"
#include "core/seam/simulator.h"

namespace understudy {

// What happens in a rollout beside success.
enum class RolloutEvent { kWrongGrasp, kDropped, kTableHit, kTipped };
template <>
struct EnumNames<RolloutEvent> {
  static constexpr std::array kNames{"wrong_grasp", "dropped", "table_hit", "tipped"};
};
inline constexpr size_t kRolloutEvents = EnumNames<RolloutEvent>::kNames.size();

// Counts events while a rollout runs: steps in which something is held that the task does not ask
// for; times that something is lost from a gripper that is commanded to close; steps in which an
// arm touches what stands still; objects that have turned by more than 45 degrees off their upright
// start outside of a hand.
class EventWatch {
 public:
  EventWatch(const SimulatorInfo& info, const Observation& start);

  // After a step of `action`.
  void See(const Action& action, const StepOutcome& outcome, const Observation& now);
  const std::array<int, kRolloutEvents>& counts() const { return counts_; }

 private:
  int& CountOf(RolloutEvent event) { return counts_[static_cast<size_t>(event)]; }

  struct Object {
    Eigen::Vector3d up;  // W axis, in its own frame
    bool asked = true;   // whether the task asks for it to be held
    int held = 0;        // steps in a row
    int lost = 0;        // steps since it was held so long that it counts; 0: not
    bool tipped = false;
  };
  std::vector<Object> objects_;
  std::array<int, kRolloutEvents> counts_{};
};

}  // namespace understudy
