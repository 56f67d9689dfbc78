// The SO-101's follower on its serial line: angles, commands, faults, and a trial of a policy.
#include "serve/robots/feetech_arm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <numbers>

#include "core/base/error.h"
#include "core/base/json.h"
#include "sim/scene.h"
#include "tests/drive/drive_parts.h"
#include "tests/drive/fake_servos.h"
#include "tests/support/own_folder.h"

namespace understudy {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::array kMotors{"shoulder_pan", "shoulder_lift", "elbow_flex",
                             "wrist_flex",   "wrist_roll",    "gripper"};
// a calibration that a follower had, by motor
constexpr std::array kOffsets{-1365, -1200, -986, -1696, 1012, -204};
constexpr std::array kLow{746, 822, 901, 849, 40, 1899};
constexpr std::array kHigh{3477, 3211, 3110, 3216, 4055, 3363};

std::unique_ptr<Simulator> Twin(const char* robot = "so101") {
  const TaskSpec task = LoadTaskSpec("stack", UNDERSTUDY_SOURCE_DIR "/sim/tasks");
  const RobotSpec spec = LoadRobotSpec(robot, UNDERSTUDY_SOURCE_DIR "/sim/robots");
  return MakeSimulator(Scene::Compile(task, spec));
}

class FeetechArmTest : public testing::Test {
 protected:
  FeetechArmTest() {
    Json calibration = Json::object();
    for (size_t i = 0; i < kMotors.size(); ++i) {
      calibration[kMotors[i]] = {{"id", i + 1},
                                 {"drive_mode", 0},
                                 {"homing_offset", kOffsets[i]},
                                 {"range_min", kLow[i]},
                                 {"range_max", kHigh[i]}};
      const int id = static_cast<int>(i) + 1;
      servos_.Set(id, 31, 2, ToSign(kOffsets[i]));
      servos_.Set(id, 56, 2, (kLow[i] + kHigh[i]) / 2);
    }
    std::ofstream(folder_ / "arm.json") << calibration.dump();
    options_.port = servos_.port();
    options_.calibration = "arm.json";
  }
  static int ToSign(int value) { return std::abs(value) | (value < 0 ? 1 << 11 : 0); }
  std::unique_ptr<Robot> Open() {
    return OpenFeetechArm(options_, (folder_ / "arm.yaml").string(), Twin());
  }
  // Reads until `enough`, or for 5 s.
  void ReadUntil(Robot& robot, RobotReading* reading,
                 const std::function<bool(const ArmObservation&)>& enough) {
    for (int i = 0; i < 1000 && !enough(reading->observation.arms[0]); ++i) {
      robot.Read(reading);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  OwnFolder folder_;
  FakeServos servos_{6};
  FeetechArmOptions options_;
};

// LeRobot's degrees: from the middle of the calibrated range, 4095 ticks a turn.
TEST_F(FeetechArmTest, AnglesAreLeRobots) {
  servos_.Set(1, 56, 2, 3000);
  servos_.Set(6, 56, 2, 1899 + 146);  // a tenth
  const std::unique_ptr<Robot> robot = Open();
  RobotReading reading;
  const Action hold = robot->Begin(RngKey{}, false, &reading);
  const ArmObservation& arm = reading.observation.arms[0];
  const double degrees = (3000 - (746 + 3477) / 2.0) * 360 / 4095;
  EXPECT_NEAR(arm.joint_q[0], degrees * std::numbers::pi / 180, 1e-12);
  EXPECT_NEAR(arm.joint_q[2], -0.5 * 360 / 4095 * std::numbers::pi / 180, 1e-9);
  EXPECT_NEAR(arm.gripper_q[0], -0.1745 + (146 / 1464.0) * (1.7453 + 0.1745), 1e-9);
  EXPECT_TRUE(arm.X_WE.translation().isApprox(
      robot->ArmKinematics(0)->Forward(arm.joint_q).translation(), 1e-12));
  EXPECT_TRUE(robot->info().objects.empty());
  // switched on where it is
  for (int id = 1; id <= 6; ++id) {
    EXPECT_EQ(servos_.Get(id, 40, 1), 1);
    EXPECT_EQ(servos_.Get(id, 42, 2), servos_.Get(id, 56, 2)) << id;
  }
  EXPECT_EQ(hold.arms[0].q_cmd, JointVector(arm.joint_q));
  EXPECT_NEAR(hold.arms[0].gripper, 1 - 2 * (100 * 146 / 1464.0) / 52, 1e-9);
}

TEST_F(FeetechArmTest, GoesWhereItIsSent) {
  options_.signs = {-1, 1, 1, 1, 1};
  options_.zero_deg = {10, 0, 0, 0, 0};
  const std::unique_ptr<Robot> robot = Open();
  RobotReading reading;
  Action action = robot->Begin(RngKey{}, false, &reading);
  action.arms[0].q_cmd[0] = 0.3;
  action.arms[0].q_cmd[3] = -9;  // the calibrated range ends before
  action.arms[0].gripper = -1;
  robot->Send(action);
  ReadUntil(*robot, &reading, [](const ArmObservation& arm) {
    return std::abs(arm.joint_q[0] - 0.3) < 1e-3 && arm.gripper_q[0] > 0.8;
  });
  EXPECT_NEAR(reading.observation.arms[0].joint_q[0], 0.3, 1e-3);
  const double degrees = 10 - 0.3 * 180 / std::numbers::pi;
  EXPECT_NEAR(servos_.Get(1, 42, 2), (746 + 3477) / 2.0 + degrees * 4095 / 360, 0.6);
  EXPECT_EQ(servos_.Get(4, 42, 2), 849);
  EXPECT_NEAR(servos_.Get(6, 42, 2), 1899 + 0.52 * 1464, 0.6);
  EXPECT_EQ(robot->problem(), "");
  // a pose becomes the posture that brings E there
  ArmAction pose{robot->ArmKinematics(0)->Forward(reading.observation.arms[0].joint_q), 0, {}};
  const ArmAction resolved = robot->Resolve(0, pose);
  EXPECT_NEAR((resolved.q_cmd - reading.observation.arms[0].joint_q).norm(), 0, 1e-3);
}

// Now and then a packet is lost: readings go on. All of them: none comes, and why is said.
TEST_F(FeetechArmTest, FaultsOfTheLine) {
  const std::unique_ptr<Robot> robot = Open();
  RobotReading reading;
  robot->Begin(RngKey{}, false, &reading);
  servos_.SetFaults({.lost = 0.02, .damaged = 0.02, .noise = 0.1});
  int read = 0;
  for (int i = 0; i < 200; ++i) {
    read += robot->Read(&reading);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_GT(read, 15);
  servos_.Unplug();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  robot->Read(&reading);
  EXPECT_FALSE(robot->Read(&reading));
  EXPECT_THAT(robot->problem(), HasSubstr("servo "));
}

TEST_F(FeetechArmTest, AnotherArmsCalibrationIsRefused) {
  servos_.Set(3, 31, 2, 12);
  EXPECT_THAT([&] { Open(); },
              ThrowsMessage<Error>(HasSubstr("elbow_flex: the servo's homing offset is 12, the "
                                             "calibration says -986")));
  servos_.Set(3, 31, 2, ToSign(-986));
  servos_.Set(2, 33, 1, 1);
  EXPECT_THAT([&] { Open(); }, ThrowsMessage<Error>(HasSubstr("servo 2 is in mode 1")));
  servos_.Set(2, 33, 1, 0);
  options_.gripper = "claw";
  EXPECT_THAT([&] { Open(); }, ThrowsMessage<Error>(HasSubstr("claw")));
  options_.gripper = "gripper";
  options_.signs = {1, 1};
  EXPECT_THAT([&] { Open(); },
              ThrowsMessage<Error>(HasSubstr("signs has 2 entries, the robot 5 joints")));
  options_.signs.clear();
  EXPECT_THAT([&] { OpenFeetechArm(options_, "x.yaml", Twin("panda")); },
              ThrowsMessage<Error>(HasSubstr("one arm whose command is joints")));
}

// It is not pulled back into its range at full speed, and in the shadow its motors are left alone.
TEST_F(FeetechArmTest, StaysWhereItStands) {
  servos_.Set(2, 56, 2, 822 - 20);  // backlash
  RobotReading reading;
  Open()->Begin(RngKey{}, true, &reading);
  EXPECT_EQ(servos_.Get(2, 40, 1), 0);
  EXPECT_EQ(servos_.Get(2, 42, 2), 0);
  Open()->Begin(RngKey{}, false, &reading);
  EXPECT_EQ(servos_.Get(2, 40, 1), 1);
  EXPECT_EQ(servos_.Get(2, 42, 2), 822 - 20);
  servos_.Set(2, 56, 2, 822 - 300);
  servos_.Set(2, 40, 1, 0);
  const std::unique_ptr<Robot> robot = Open();
  EXPECT_THAT([&] { robot->Begin(RngKey{}, false, &reading); },
              ThrowsMessage<Error>(HasSubstr("shoulder_lift: stands at 522 ticks, outside of its "
                                             "calibrated range of 822 to 3211")));
  EXPECT_EQ(servos_.Get(2, 40, 1), 0);
}

// A policy moves it in real time, within the limits of its robot.yaml; unplugged, the trial ends.
TEST_F(FeetechArmTest, APolicyMovesIt) {
  const std::unique_ptr<Robot> robot = Open();
  DriveOptions options;
  options.lost = 0.5;
  options.start_seconds = 0.5;
  DriveControl control(*robot, 8, 4, 0, options);
  DelayedPolicy policy(
      [&](const ChunkRequest& request) {
        Action action;
        action.arms.push_back({{}, 0, request.reading.observation.arms[0].joint_q});
        action.arms[0].q_cmd[0] += 0.3;
        if (request.step > 20) servos_.Unplug();
        return std::vector<Action>(8, action);
      },
      control, 1);
  AlwaysHeld held;
  SystemDriveClock clock;
  const DriveOutcome trial = RunDriveTrial({*robot, policy, held, clock, nullptr, {}}, control,
                                           options, 10, false, RngKey{1});
  EXPECT_THAT(trial.cause,
              HasSubstr("the robot is lost: no reading for 0.5 s: " + options_.port + ": servo "));
  EXPECT_GT(trial.decided.observation.arms[0].joint_q[0], 0.1);
  EXPECT_EQ(trial.brakes[static_cast<size_t>(BrakeCause::kStale)], 1);
}

}  // namespace
}  // namespace understudy
