// Trials of a policy on a robot on ROS 2, in real time: sound, and with every fault in the middle.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/drive/drive_parts.h"
#include "tests/ros2/ros2_fixture.h"

namespace understudy {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Ros2TrialTest : public Ros2RobotTest {
 protected:
  // A trial in which `each` is called with the step of every request.
  DriveOutcome Drive(Robot& robot, const std::function<void(int64_t)>& each, double seconds,
                     bool shadow = false) {
    DriveOptions options;
    options.stale = 0.3;  // a busy machine may keep the other process waiting
    options.lost = 0.8;
    options.start_seconds = 0.5;
    DriveControl control(robot, 8, 4, 0, options);
    DelayedPolicy policy(
        [&](const ChunkRequest& request) {
          Action action;
          action.arms.push_back({{}, 0, request.reading.observation.arms[0].joint_q});
          action.arms[0].q_cmd[0] += 0.3;
          each(request.step);
          return std::vector<Action>(8, action);
        },
        control, 1);
    AlwaysHeld held;
    SystemDriveClock clock;
    return RunDriveTrial({robot, policy, held, clock, nullptr, {}}, control, options, seconds,
                         shadow, RngKey{1});
  }
};

TEST_F(Ros2TrialTest, APolicyMovesIt) {
  StartCell();
  const std::unique_ptr<Robot> robot = Open();
  const DriveOutcome trial = Drive(
      *robot, [](int64_t) {}, 2);
  EXPECT_EQ(trial.cause, "out of time");
  EXPECT_EQ(trial.moving_steps, 40);
  EXPECT_EQ(trial.brakes[static_cast<size_t>(BrakeCause::kStale)], 0);
  EXPECT_GT(trial.decided.observation.arms[0].joint_q[0], 0.4);
  const std::vector<double> report = Report();
  EXPECT_GE(report[0], 40);
  EXPECT_NEAR(report[3], trial.end.observation.arms[0].joint_q[0], 0.05);
}

TEST_F(Ros2TrialTest, NothingIsSentInTheShadow) {
  StartCell();
  const std::unique_ptr<Robot> robot = Open();
  EXPECT_EQ(Drive(
                *robot, [](int64_t) {}, 1, true)
                .moving_steps,
            20);
  EXPECT_EQ(Report()[0], 0);
}

// Each fault in the middle of a trial: the arm brakes, and the trial ends with the reason.
TEST_F(Ros2TrialTest, FaultsHoldTheArm) {
  const std::vector<std::pair<std::string, std::string>> faults{
      {"nan", "the position of 'shoulder_pan' is not finite"},
      {"names shoulder_pan,shoulder_lift,elbow_flex,wrist_flex,wrist_roll,claw", "lacks jaw; "},
      {"short", "6 names and 5 positions"},
      {"skew -3", "stamped 3."},
      {"deaf", "/arm/trajectory: nobody subscribes to it"}};
  StartCell();
  for (const auto& [fault, words] : faults) {
    const std::unique_ptr<Robot> robot = Open();
    const DriveOutcome trial = Drive(
        *robot,
        [&](int64_t step) {
          if (step > 10) cell_->Ask(fault);
        },
        10);
    EXPECT_THAT(trial.cause,
                AllOf(HasSubstr("the robot is lost: no reading for "), HasSubstr(words)));
    // what says that it is older than `lost` ends the trial at once, by braking too
    EXPECT_EQ(trial.brakes[static_cast<size_t>(BrakeCause::kStale)], fault == "skew -3" ? 0 : 1)
        << fault;
    EXPECT_GT(trial.moving_steps, 10) << fault;
    cell_->Ask("good");
    // it rests
    const double rests = Report()[3];
    Sleep(200);
    EXPECT_EQ(Report()[3], rests) << fault;
  }
}

TEST_F(Ros2TrialTest, ACellThatIsGone) {
  StartCell();
  const std::unique_ptr<Robot> robot = Open();
  const DriveOutcome trial = Drive(
      *robot,
      [&](int64_t step) {
        if (step > 10) cell_->Kill();
      },
      10);
  EXPECT_THAT(trial.cause,
              AllOf(HasSubstr("the robot is lost: no reading for 0."),
                    HasSubstr("/joint_states: no message for "), Not(HasSubstr("\n"))));
  EXPECT_EQ(trial.brakes[static_cast<size_t>(BrakeCause::kStale)], 1);
}

}  // namespace
}  // namespace understudy
