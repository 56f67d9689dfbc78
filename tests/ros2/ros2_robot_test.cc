// A robot on ROS 2 in another process, over DDS on the loopback: readings, commands, faults,
// trials.
#include "serve/ros2/ros2_robot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/clock.h"
#include "tests/ros2/ros2_fixture.h"

namespace understudy {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST_F(Ros2RobotTest, ReadsAndCommands) {
  StartCell();
  const std::unique_ptr<Robot> robot = Open();
  RobotReading reading;
  Action action = robot->Begin(RngKey{}, false, &reading);
  const ArmObservation& arm = reading.observation.arms[0];
  EXPECT_NEAR(arm.joint_q[2], 0.7, 1e-12);
  EXPECT_NEAR(arm.gripper_q[0], 0.2, 1e-12);
  EXPECT_TRUE(arm.X_WE.translation().isApprox(
      robot->ArmKinematics(0)->Forward(arm.joint_q).translation(), 1e-12));
  EXPECT_EQ(action.arms[0].q_cmd, JointVector(arm.joint_q));
  EXPECT_NEAR(action.arms[0].gripper, 2 * (1.0 / 1.2) - 1, 1e-12);
  EXPECT_LT(1e-9 * static_cast<double>(MonotonicNs() - reading.captured_ns), 0.15);
  EXPECT_GT(Readings(*robot, &reading, 500), 20);
  // nothing is published before a command
  EXPECT_EQ(Report()[0], 0);
  action.arms[0].q_cmd[0] = 0.4;
  action.arms[0].gripper = -1;
  robot->Send(action);
  Readings(*robot, &reading, 1000);
  EXPECT_NEAR(reading.observation.arms[0].joint_q[0], 0.4, 1e-9);
  EXPECT_NEAR(reading.observation.arms[0].joint_q[1], -0.1, 1e-9);
  EXPECT_NEAR(reading.observation.arms[0].gripper_q[0], 1.2, 1e-9);
  EXPECT_EQ(Report()[0], 1);
  EXPECT_NEAR(Report()[2], 0.05, 1e-9);  // one control step at 20 Hz
  EXPECT_EQ(robot->problem(), "");
}

TEST_F(Ros2RobotTest, ControllersOfPositions) {
  options_.arms["robot0"].command = {"/arm/positions", Ros2CommandKind::kArray};
  options_.arms["robot0"].gripper.command = {"/gripper/positions", Ros2CommandKind::kArray};
  StartCell();
  const std::unique_ptr<Robot> robot = Open();
  RobotReading reading;
  Action action = robot->Begin(RngKey{}, false, &reading);
  action.arms[0].q_cmd[4] = 1.5;
  action.arms[0].gripper = 1;
  robot->Send(action);
  Readings(*robot, &reading, 700);
  const std::vector<double> report = Report();
  EXPECT_EQ(report[0], 0);
  EXPECT_EQ(report[1], 1);
  EXPECT_NEAR(report[7], 1.5, 1e-9);
  EXPECT_NEAR(report[8], 0, 1e-9);
}

// Names, types and QoS as nodes of ROS 2 have them, read back by the other side.
TEST_F(Ros2RobotTest, IsDiscoveredAsRos2Expects) {
  StartCell();
  const std::unique_ptr<Robot> robot = Open();
  RobotReading reading;
  robot->Begin(RngKey{}, false, &reading);
  PolicyInfo policy;
  policy.cameras = {"front"};
  const std::unique_ptr<RobotCameras> cameras = Ros2Cameras(options_, "cell.yaml", policy)();
  EXPECT_THAT(
      cell_->Ask("discover"),
      AllOf(HasSubstr("< rt/joint_states sensor_msgs::msg::dds_::JointState_ best_effort volatile"),
            HasSubstr("< rt/front/image sensor_msgs::msg::dds_::Image_ best_effort volatile"),
            HasSubstr("> rt/arm/trajectory trajectory_msgs::msg::dds_::JointTrajectory_ reliable "
                      "volatile")));
}

TEST_F(Ros2RobotTest, Pictures) {
  StartCell();
  PolicyInfo policy;
  policy.cameras = {"front"};
  policy.image_width = 32;
  policy.image_height = 24;
  const std::unique_ptr<RobotCameras> cameras = Ros2Cameras(options_, "cell.yaml", policy)();
  std::vector<Image> images;
  const int64_t taken_ns = cameras->Take({}, &images);
  EXPECT_LT(1e-9 * static_cast<double>(MonotonicNs() - taken_ns), 0.2);
  ASSERT_EQ(images.size(), 1u);
  ASSERT_EQ(images[0].rgb.size(), 32u * 24 * 3);
  const uint8_t* pixel = &images[0].rgb[3 * (32 * 10 + 7)];
  EXPECT_EQ(pixel[0], 4 * 14 + 2);  // mean of two columns
  EXPECT_NEAR(pixel[1], 5 * 20 + 2.5, 0.6);
  EXPECT_EQ(pixel[2], 7);
  cell_->Ask("image 32 48 rgb8");
  Sleep(300);
  EXPECT_THAT([&] { cameras->Take({}, &images); },
              ThrowsMessage<Error>("camera 'front' (/front/image): a picture of 32 x 48 px; the "
                                   "file says 64 x 48"));
  cell_->Ask("image 64 48 mono16");
  Sleep(300);
  EXPECT_THAT([&] { cameras->Take({}, &images); },
              ThrowsMessage<Error>(HasSubstr("a picture in 'mono16'")));
  cell_->Ask("good");
  Sleep(300);
  const int64_t last_ns = cameras->Take({}, &images);
  EXPECT_GT(last_ns, taken_ns);
  // a camera that is lost shows its age
  cell_->Kill();
  Sleep(700);
  EXPECT_GT(1e-9 * static_cast<double>(MonotonicNs() - cameras->Take({}, &images)), 0.5);
  policy.cameras = {"fron"};
  EXPECT_THAT([&] { Ros2Cameras(options_, "cell.yaml", policy); },
              ThrowsMessage<Error>(HasSubstr("did you mean 'front'?")));
}

// What is wrong with joint states is said in one sentence, and no reading comes of it.
TEST_F(Ros2RobotTest, FaultsOfJointStates) {
  StartCell();
  const std::unique_ptr<Robot> robot = Open();
  RobotReading reading;
  robot->Begin(RngKey{}, false, &reading);
  const std::vector<std::pair<std::string, std::string>> faults{
      {"nan", "/joint_states: the position of 'shoulder_pan' is not finite"},
      {"short", "/joint_states: a message has 6 names and 5 positions"},
      {"names wheel,mast",
       "/joint_states: lacks shoulder_pan, shoulder_lift, elbow_flex, "
       "wrist_flex, wrist_roll, jaw; the last message names wheel, mast"},
      {"skew 3", "/joint_states: stamped "},
      {"silent", "/joint_states: no message for "}};
  for (const auto& [fault, words] : faults) {
    cell_->Ask(fault);
    EXPECT_THAT(Silence(*robot, &reading), HasSubstr(words)) << fault;
    cell_->Ask("good");
    Sleep(200);
    EXPECT_GT(Readings(*robot, &reading, 300), 10) << fault;
  }
  // what lacks a joint, or is old, is as old as that
  for (const char* fault :
       {"names shoulder_pan,shoulder_lift,elbow_flex,wrist_flex,wrist_roll", "skew -3"}) {
    cell_->Ask(fault);
    Sleep(400);
    robot->Read(&reading);
    EXPECT_GT(1e-9 * static_cast<double>(MonotonicNs() - reading.captured_ns), 0.3) << fault;
    EXPECT_THAT(robot->problem(),
                testing::AnyOf(HasSubstr("lacks jaw; "), HasSubstr("stamped 3.0 s ago")));
    cell_->Ask("good");
    Sleep(200);
  }
  EXPECT_EQ(Report()[0], 0);
}

TEST_F(Ros2RobotTest, SaysWhoIsMissing) {
  options_.wait_s = 0.5;
  RobotReading reading;
  std::unique_ptr<Robot> robot = Open();
  EXPECT_THAT([&] { robot->Begin(RngKey{}, false, &reading); },
              ThrowsMessage<Error>("/joint_states: nobody publishes it as "
                                   "sensor_msgs/msg/JointState in domain " +
                                   std::to_string(OwnDomain())));
  PolicyInfo policy;
  policy.cameras = {"front"};
  EXPECT_THAT([&] { Ros2Cameras(options_, "cell.yaml", policy)(); },
              ThrowsMessage<Error>(HasSubstr("nobody publishes it as sensor_msgs/msg/Image")));
  // Cyclone DDS 0.10 may never hear a publisher that it discovers in the very moment in which the
  // process leaves the domain with one participant and has another one in it
  robot.reset();
  StartCell();
  options_.wait_s = 3;
  options_.arms["robot0"].command.topic = "/arm/trajectries";
  robot = Open();
  EXPECT_THAT([&] { robot->Begin(RngKey{}, false, &reading); },
              ThrowsMessage<Error>(HasSubstr("/arm/trajectries: nobody subscribes to it as "
                                             "trajectory_msgs/msg/JointTrajectory")));
  robot->Begin(RngKey{}, true, &reading);  // in its shadow nobody needs to
  // the same name with another type is not the same topic
  options_.arms["robot0"].command = {"/arm/trajectory", Ros2CommandKind::kArray};
  robot = Open();
  EXPECT_THAT([&] { robot->Begin(RngKey{}, false, &reading); },
              ThrowsMessage<Error>(HasSubstr("std_msgs/msg/Float64MultiArray")));
}

TEST_F(Ros2RobotTest, OptionsThatDoNotFit) {
  const auto refused = [&](const std::string& words) {
    EXPECT_THAT([&] { Open(); }, ThrowsMessage<Error>(HasSubstr(words)));
  };
  options_.joint_states = "joint_states";
  refused("topic 'joint_states' is no full name of ROS 2");
  options_.joint_states = "/a//b";
  refused("no full name");
  options_.joint_states = "/joint_states";
  options_.arms["robot1"] = options_.arms["robot0"];
  refused("robot1");
  options_.arms.erase("robot0");
  options_.arms.erase("robot1");
  refused("arms: lacks 'robot0'");
  options_.domain.reset();
  setenv("ROS_DOMAIN_ID", "x7", 1);
  options_.arms["robot0"].command.topic = "/arm/trajectory";
  options_.arms["robot0"].gripper.joints = {"jaw"};
  options_.arms["robot0"].gripper.open = 1;
  refused("ROS_DOMAIN_ID is 'x7', not a number from 0 to 232");
  unsetenv("ROS_DOMAIN_ID");
  EXPECT_THAT([&] { OpenRos2Robot(options_, "cell.yaml", TwinOf("panda")); },
              ThrowsMessage<Error>(HasSubstr("one whose command is joints")));
}

TEST_F(Ros2RobotTest, DomainsDoNotHearEachOther) {
  Ros2Cell other(OwnDomain(1), kStart, 5);
  options_.wait_s = 1.5;
  std::unique_ptr<Robot> robot = Open();
  RobotReading reading;
  EXPECT_THAT([&] { robot->Begin(RngKey{}, false, &reading); },
              ThrowsMessage<Error>(HasSubstr("nobody publishes")));
  // ROS_DOMAIN_ID chooses, where the file does not
  options_.domain.reset();
  options_.wait_s = 5;
  setenv("ROS_DOMAIN_ID", std::to_string(OwnDomain(1)).c_str(), 1);
  robot = Open();
  unsetenv("ROS_DOMAIN_ID");
  robot->Begin(RngKey{}, false, &reading);
  EXPECT_NEAR(reading.observation.arms[0].joint_q[2], 0.7, 1e-12);
}

// A driver that repeats what it measured last is not taken for one that measures, whatever clock it
// has; nor is a camera.
TEST_F(Ros2RobotTest, RepeatedMessagesAreNotNew) {
  options_.stamps = Ros2Stamps::kArrival;
  StartCell();
  cell_->Ask("skew 1000");
  const std::unique_ptr<Robot> robot = Open();
  RobotReading reading;
  robot->Begin(RngKey{}, false, &reading);
  PolicyInfo policy;
  policy.cameras = {"front"};
  policy.image_width = 32;
  policy.image_height = 24;
  const std::unique_ptr<RobotCameras> cameras = Ros2Cameras(options_, "cell.yaml", policy)();
  EXPECT_GT(Readings(*robot, &reading, 300), 10);
  cell_->Ask("frozen");
  EXPECT_THAT(Silence(*robot, &reading), HasSubstr("/joint_states: what comes is stamped 0."));
  std::vector<Image> images;
  EXPECT_GT(1e-9 * static_cast<double>(MonotonicNs() - cameras->Take({}, &images)), 0.3);
  cell_->Ask("good");
  Sleep(200);
  EXPECT_GT(Readings(*robot, &reading, 300), 10);
  EXPECT_LT(1e-9 * static_cast<double>(MonotonicNs() - cameras->Take({}, &images)), 0.2);
}

// Signs or a zero that are not this robot's show before anything moves; who only looks may look.
TEST_F(Ros2RobotTest, AJointOutsideOfItsRange) {
  options_.arms["robot0"].zero_rad = {0, 0, 0, 0, 9};
  StartCell();
  const std::unique_ptr<Robot> robot = Open();
  RobotReading reading;
  EXPECT_THAT(
      [&] { robot->Begin(RngKey{}, false, &reading); },
      ThrowsMessage<Error>(HasSubstr("cell.yaml: arms.robot0: 'wrist_roll' stands at -7.300 "
                                     "rad of the robot, outside of its range of ")));
  robot->Begin(RngKey{}, true, &reading);
}

// One by a trajectory with its gripper, the other by arrays of two controllers.
TEST_F(Ros2RobotTest, TwoArms) {
  Ros2Arm& second = options_.arms["robot1"];
  second = options_.arms["robot0"];
  const auto open = [&] {
    return OpenRos2Robot(options_, "cell.yaml", TwinOf("so101", "two_arm_three_piece_assembly"));
  };
  EXPECT_THAT(open, ThrowsMessage<Error>(HasSubstr("arms.robot1: joint 'shoulder_pan' is also ")));
  second.joints = {"r1", "r2", "r3", "r4", "r5"};
  second.command = {"/arm/positions", Ros2CommandKind::kArray};
  second.gripper.joints = {"hand"};
  second.gripper.open = 1;
  second.gripper.command = {"/gripper/positions", Ros2CommandKind::kArray};
  Ros2Cell cell(OwnDomain(),
                "r1=0.2,r2=-0.2,r3=0.5,r4=0.6,r5=0.7," + std::string(kStart) + ",hand=0.5", 5);
  const std::unique_ptr<Robot> robot = open();
  RobotReading reading;
  Action action = robot->Begin(RngKey{}, false, &reading);
  ASSERT_EQ(reading.observation.arms.size(), 2u);
  EXPECT_NEAR(reading.observation.arms[0].joint_q[2], 0.7, 1e-12);
  EXPECT_NEAR(reading.observation.arms[1].joint_q[2], 0.5, 1e-12);
  EXPECT_NEAR(reading.observation.arms[1].gripper_q[0], 0.5, 1e-12);
  EXPECT_NEAR(action.arms[1].gripper, 0, 1e-12);
  action.arms[0].q_cmd[0] = 0.3;
  action.arms[1].q_cmd[4] = 0.4;
  action.arms[1].gripper = -1;
  robot->Send(action);
  Readings(*robot, &reading, 700);
  EXPECT_NEAR(reading.observation.arms[0].joint_q[0], 0.3, 1e-9);
  EXPECT_NEAR(reading.observation.arms[1].joint_q[0], 0.2, 1e-9);
  EXPECT_NEAR(reading.observation.arms[1].joint_q[4], 0.4, 1e-9);
  EXPECT_NEAR(reading.observation.arms[1].gripper_q[0], 1, 1e-9);
  EXPECT_EQ(robot->problem(), "");
}

// Two robots that claim the same joints: neither is followed.
TEST_F(Ros2RobotTest, TwoPublishersOfOneJoint) {
  StartCell();
  const std::unique_ptr<Robot> robot = Open();
  RobotReading reading;
  robot->Begin(RngKey{}, false, &reading);
  {
    Ros2Cell second(OwnDomain(), kStart, 5);
    second.Ask("report");
    Sleep(1000);
    EXPECT_THAT(Silence(*robot, &reading), HasSubstr("two publishers send 'shoulder_pan'"));
  }
  Sleep(1300);
  EXPECT_GT(Readings(*robot, &reading, 300), 10);
}

}  // namespace
}  // namespace understudy
