// What happens in a rollout beside success.
#include "train/evaluate/event_watch.h"

#include <gtest/gtest.h>

namespace understudy {
namespace {

class EventWatchTest : public testing::Test {
 protected:
  EventWatchTest() {
    info_.objects = {"cube", "other"};
    info_.asked_grasps = {1, 0};
    now_.X_WO.resize(2);
  }
  void See(EventWatch& watch, uint64_t held, double gripper, int steps = 1) {
    Action action;
    action.arms.push_back({Pose(), gripper, {}});
    StepOutcome outcome;
    outcome.held_objects = held;
    for (int i = 0; i < steps; ++i) watch.See(action, outcome, now_);
  }
  static int Count(const EventWatch& watch, RolloutEvent event) {
    return watch.counts()[static_cast<size_t>(event)];
  }
  SimulatorInfo info_;
  Observation now_;
};

TEST_F(EventWatchTest, CountsWhatIsHeldThatIsNotAskedFor) {
  EventWatch watch(info_, now_);
  See(watch, 0b01, 1, 5);
  EXPECT_EQ(Count(watch, RolloutEvent::kWrongGrasp), 0);
  See(watch, 0b10, 1, 3);
  EXPECT_EQ(Count(watch, RolloutEvent::kWrongGrasp), 3);
  StepOutcome loose;
  loose.holds_other = true;
  watch.See({}, loose, now_);
  EXPECT_EQ(Count(watch, RolloutEvent::kWrongGrasp), 4);
  // a task that says of none asks for all
  info_.asked_grasps.clear();
  EventWatch any(info_, now_);
  See(any, 0b11, 1, 3);
  EXPECT_EQ(Count(any, RolloutEvent::kWrongGrasp), 0);
}

TEST_F(EventWatchTest, CountsWhatIsLostFromAClosedGripper) {
  EventWatch watch(info_, now_);
  See(watch, 0b01, 1, 5);
  See(watch, 0, 1, 2);  // a contact that flickers
  See(watch, 0b01, 1, 5);
  EXPECT_EQ(Count(watch, RolloutEvent::kDropped), 0);
  See(watch, 0, 1, 10);
  EXPECT_EQ(Count(watch, RolloutEvent::kDropped), 1);
  // what is let go of is not dropped
  See(watch, 0b01, 1, 5);
  See(watch, 0b01, -1, 2);
  See(watch, 0, -1, 10);
  EXPECT_EQ(Count(watch, RolloutEvent::kDropped), 1);
  // nor what was touched only
  See(watch, 0b01, 1, 2);
  See(watch, 0, 1, 10);
  EXPECT_EQ(Count(watch, RolloutEvent::kDropped), 1);
}

TEST_F(EventWatchTest, CountsWhatTips) {
  // whatever axis was up at the start
  now_.X_WO[0] = Pose(RotationExp({1.5, 0, 0}), {0, 0, 0});
  EventWatch watch(info_, now_);
  now_.X_WO[0] = Pose(RotationExp({1.5 + 0.7, 0, 0}), {0, 0, 0});
  See(watch, 0, -1, 3);
  EXPECT_EQ(Count(watch, RolloutEvent::kTipped), 0) << "40 degrees";
  now_.X_WO[0] = Pose(RotationExp({1.5 + 0.9, 0, 0}), {0, 0, 0});
  See(watch, 0b01, 1, 3);
  EXPECT_EQ(Count(watch, RolloutEvent::kTipped), 0) << "in the hand";
  See(watch, 0, -1, 3);
  EXPECT_EQ(Count(watch, RolloutEvent::kTipped), 1) << "once";
  now_.X_WO[1] = Pose(RotationExp({0, 3, 0}), {0, 0, 0});
  See(watch, 0, -1, 3);
  EXPECT_EQ(Count(watch, RolloutEvent::kTipped), 2);
}

TEST_F(EventWatchTest, CountsStepsOnWhatStands) {
  EventWatch watch(info_, now_);
  StepOutcome touching;
  touching.touches_stand = true;
  watch.See({}, touching, now_);
  watch.See({}, {}, now_);
  watch.See({}, touching, now_);
  EXPECT_EQ(Count(watch, RolloutEvent::kTableHit), 2);
}

}  // namespace
}  // namespace understudy
