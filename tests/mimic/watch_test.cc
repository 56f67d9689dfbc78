// Evidence during an attempt: grasps that last, conditions at the end of a subtask.
#include "mimic/attempt/watch.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "core/base/names.h"
#include "tests/mimic/fixture.h"

namespace understudy {
namespace {

class SubtaskWatchTest : public testing::Test {
 protected:
  SubtaskWatchTest() {
    const std::unique_ptr<Simulator> simulator = MakeFakeSimulator(task_);
    info_ = simulator->info();
    observation_.signals.resize(info_.signals.size());
    command_.arms.resize(1);
  }
  void Set(const std::string& signal, bool value) {
    observation_.signals[static_cast<size_t>(IndexOf(info_.signals, signal))] = value;
  }

  TaskSpec task_ = FakeTask();
  SimulatorInfo info_;
  Observation observation_;
  Action command_;
};

// A grasp may be missing for `patience` steps in a row and no longer; an opened gripper lets go.
TEST_F(SubtaskWatchTest, AGraspIsLostAfterItsPatience) {
  SubtaskWatch watch(task_, info_);
  watch.Begin(0);
  watch.End(0);
  EXPECT_EQ(watch.held_by(0), "cubeA");
  command_.arms[0].gripper = 1;
  const auto misses = [&](int steps) {
    for (int i = 0; i < steps; ++i) {
      if (watch.Step(observation_, command_, 3)) return i + 1;
    }
    return 0;
  };
  EXPECT_EQ(misses(3), 0);
  Set("grasp", true);
  EXPECT_FALSE(watch.Step(observation_, command_, 3)) << "which starts the count again";
  Set("grasp", false);
  EXPECT_EQ(misses(10), 4);
  command_.arms[0].gripper = -1;
  EXPECT_FALSE(watch.Step(observation_, command_, 3));
  EXPECT_EQ(watch.held_by(0), "");
}

// A check must hold at the end of its subtask; a signal must have come during it.
TEST_F(SubtaskWatchTest, AChecksValueCountsAndASignalsRise) {
  command_.arms[0].gripper = 1;
  for (const bool is_check : {true, false}) {
    task_.subtasks[0].check = is_check ? "grasp" : "";
    SubtaskWatch watch(task_, info_);
    watch.Begin(0);
    EXPECT_FALSE(watch.Holds(0, observation_));
    Set("grasp", true);
    watch.Step(observation_, command_, 3);
    EXPECT_TRUE(watch.Holds(0, observation_));
    Set("grasp", false);
    watch.Step(observation_, command_, 3);
    EXPECT_EQ(watch.Holds(0, observation_), !is_check);
    watch.Begin(0);
    EXPECT_FALSE(watch.Holds(0, observation_)) << "an earlier rise does not count";
  }
}

// A subtask that grasps something, moves it and lets it go again is over with the hand open.
TEST_F(SubtaskWatchTest, AGraspThatWasLetGoNeedNotHoldAtTheEnd) {
  task_.subtasks[0].check = "grasp";
  SubtaskWatch watch(task_, info_);
  watch.Begin(0);
  command_.arms[0].gripper = -1;
  watch.Step(observation_, command_, 3);
  EXPECT_FALSE(watch.Holds(0, observation_)) << "never grasped";
  command_.arms[0].gripper = 1;
  Set("grasp", true);
  watch.Step(observation_, command_, 3);
  Set("grasp", false);
  watch.Step(observation_, command_, 3);
  EXPECT_FALSE(watch.Holds(0, observation_)) << "slipped";
  command_.arms[0].gripper = -1;
  watch.Step(observation_, command_, 3);
  EXPECT_TRUE(watch.Holds(0, observation_));
  watch.End(0);
  EXPECT_EQ(watch.held_by(0), "") << "the next subtask begins with a free hand";
}

}  // namespace
}  // namespace understudy
