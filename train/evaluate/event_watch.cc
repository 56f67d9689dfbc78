#include "train/evaluate/event_watch.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace understudy {
namespace {

constexpr int kFirm = 3;  // steps in which something is held or lost before it counts

}  // namespace

EventWatch::EventWatch(const SimulatorInfo& info, const Observation& start) {
  for (size_t i = 0; i < start.X_WO.size(); ++i) {
    Object object;
    object.up = start.X_WO[i].rotation().inverse() * Eigen::Vector3d::UnitZ();
    object.asked = i >= info.asked_grasps.size() || info.asked_grasps[i] != 0;
    objects_.push_back(object);
  }
}

void EventWatch::See(const Action& action, const StepOutcome& outcome, const Observation& now) {
  const bool closed = std::all_of(action.arms.begin(), action.arms.end(),
                                  [](const ArmAction& arm) { return arm.gripper > 0; });
  bool wrong = outcome.holds_other;
  for (size_t i = 0; i < objects_.size() && i < now.X_WO.size(); ++i) {
    Object& object = objects_[i];
    const bool held = outcome.Holds(i);
    wrong |= held && !object.asked;
    // a firm hold that ends under a closed gripper, and does not come back at once
    if (held) {
      ++object.held;
      object.lost = 0;
    } else {
      if (object.held >= kFirm && closed) object.lost = 1;
      if (!closed) object.lost = 0;
      if (object.lost > 0 && object.lost++ == kFirm) {
        ++CountOf(RolloutEvent::kDropped);
        object.lost = 0;
      }
      object.held = 0;
    }
    const double up = (now.X_WO[i].rotation() * object.up).z();
    if (!held && !object.tipped && up < std::numbers::sqrt2 / 2) {
      object.tipped = true;
      ++CountOf(RolloutEvent::kTipped);
    }
  }
  CountOf(RolloutEvent::kWrongGrasp) += wrong;
  CountOf(RolloutEvent::kTableHit) += outcome.touches_stand;
}

}  // namespace understudy
