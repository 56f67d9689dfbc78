// Parts of the adapter for ROS 2 without a network: joints, stamps, pictures, options.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "serve/ros2/joint_board.h"
#include "serve/ros2/joint_map.h"
#include "serve/ros2/picture.h"

namespace understudy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr int64_t kSecond = 1'000'000'000;

JointMessage Message(std::vector<std::string> names, std::span<const double> positions, int64_t ns,
                     uint64_t publisher = 1) {
  return {std::move(names), positions, {}, ns, ns, publisher};
}

TEST(JointBoard, CollectsFromSeveralMessages) {
  JointBoard board("/joint_states", {"a", "b", "hand"});
  EXPECT_THAT(board.Missing(kSecond), HasSubstr("no message has come"));
  const std::array arm{2.0, 1.0};
  EXPECT_TRUE(board.Update(Message({"b", "a"}, arm, kSecond)));
  EXPECT_FALSE(board.complete());
  EXPECT_EQ(board.Missing(kSecond), "/joint_states: lacks hand; the last message names b, a");
  const std::array hand{0.03, 9.0};
  EXPECT_TRUE(board.Update(Message({"hand", "wheel"}, hand, kSecond + 5, 2)));
  EXPECT_TRUE(board.complete());
  EXPECT_EQ(board.position(0), 1);
  EXPECT_EQ(board.position(1), 2);
  EXPECT_EQ(board.position(2), 0.03);
  EXPECT_EQ(board.captured_ns(), kSecond);  // of the oldest
  EXPECT_EQ(board.Missing(kSecond + 10), "");
  EXPECT_FALSE(board.Update(Message({"wheel", "mast"}, hand, kSecond + 6, 3)));
  EXPECT_THAT(board.Missing(2 * kSecond), HasSubstr("no message for 1.0 s"));
}

TEST(JointBoard, SpeedsAreThoseOfMessagesOrDifferences) {
  JointBoard board("/joint_states", {"a"});
  const std::array first{1.0}, second{1.5}, speed{7.0};
  const std::array none{std::numeric_limits<double>::quiet_NaN()};
  board.Update(Message({"a"}, first, kSecond));
  EXPECT_EQ(board.velocity(0), 0);
  JointMessage next = Message({"a"}, second, kSecond + kSecond / 10);
  next.velocities = none;  // as joint_state_broadcaster writes where there is no interface
  board.Update(next);
  EXPECT_NEAR(board.velocity(0), 5, 1e-9);
  next.velocities = speed;
  board.Update(next);
  EXPECT_EQ(board.velocity(0), 7);
}

TEST(JointBoard, RejectsInOneSentence) {
  JointBoard board("/joint_states", {"a", "b"});
  const std::array sound{1.0, 2.0};
  board.Update(Message({"a", "b"}, sound, kSecond));
  const std::array broken{5.0, std::numeric_limits<double>::infinity()};
  EXPECT_THAT(
      [&] {
        board.Update(Message({"a", "b"}, broken, kSecond + 1));
      },
      ThrowsMessage<Error>("/joint_states: the position of 'b' is not finite"));
  EXPECT_EQ(board.position(0), 1);  // nothing of it was taken
  EXPECT_THAT(
      [&] {
        board.Update(Message({"a", "b", "c"}, sound, kSecond + 2));
      },
      ThrowsMessage<Error>("/joint_states: a message has 3 names and 2 positions"));
  // two that claim the same joint are both held off, until one is alone for a second
  EXPECT_THAT(
      [&] {
        board.Update(Message({"a", "b"}, sound, kSecond + 3, 9));
      },
      ThrowsMessage<Error>("/joint_states: two publishers send 'a'"));
  EXPECT_THAT(
      [&] {
        board.Update(Message({"a", "b"}, sound, kSecond + 4, 1));
      },
      ThrowsMessage<Error>(HasSubstr("two publishers")));
  EXPECT_THAT(
      [&] {
        board.Update(Message({"a", "b"}, sound, kSecond + kSecond / 2, 1));
      },
      testing::Throws<Error>());
  EXPECT_TRUE(board.Update(Message({"a", "b"}, sound, 3 * kSecond, 1)));
}

// A driver that has lost its arm and sends its last state again shows no new one.
TEST(JointBoard, ARepeatedStampIsNoNewMeasurement) {
  JointBoard board("/joint_states", {"a"});
  const std::array position{1.0};
  JointMessage message = Message({"a"}, position, kSecond);
  message.stamp_ns = 77;
  EXPECT_TRUE(board.Update(message));
  message.arrival_ns = message.captured_ns = kSecond + kSecond / 2;
  EXPECT_FALSE(board.Update(message));
  EXPECT_EQ(board.captured_ns(), kSecond);
  EXPECT_EQ(board.Missing(kSecond + kSecond / 2), "/joint_states: what comes is stamped 0.5 s ago");
  message.stamp_ns = 78;
  EXPECT_TRUE(board.Update(message));
  // without a stamp each message is new
  message.stamp_ns = 0;
  EXPECT_TRUE(board.Update(message));
  EXPECT_TRUE(board.Update(message));
}

TEST(CapturedNs, FollowsStamps) {
  const int64_t now_ns = MonotonicNs();
  EXPECT_EQ(CapturedNs(0, now_ns, "x"), now_ns);
  timespec system{};
  clock_gettime(CLOCK_REALTIME, &system);
  const int64_t system_ns = kSecond * system.tv_sec + system.tv_nsec;
  EXPECT_NEAR(1e-9 * static_cast<double>(CapturedNs(system_ns - kSecond, now_ns, "x") - now_ns), -1,
              0.01);
  EXPECT_THAT([&] { CapturedNs(system_ns + 5 * kSecond, now_ns, "/a"); },
              ThrowsMessage<Error>(HasSubstr("s in the future")));
  EXPECT_LT(CapturedNs(12 * kSecond, now_ns, "x"), 0);  // simulated time: as old as it says
}

TEST(Picture, IsScaledAndChecked) {
  const std::vector<uint8_t> bytes{10, 20, 30, 50, 60, 70, 0, 0,  // two pixels and padding
                                   30, 40, 50, 70, 80, 90, 0, 0};
  RawPicture picture{2, 2, 8, "rgb8", bytes};
  CheckPicture(picture, 2, 2, "front");
  Image same(2, 2), one(1, 1), wide(4, 2);
  ScalePicture(picture, &same);
  EXPECT_THAT(same.rgb, ElementsAre(10, 20, 30, 50, 60, 70, 30, 40, 50, 70, 80, 90));
  ScalePicture(picture, &one);
  EXPECT_THAT(one.rgb, ElementsAre(40, 50, 60));
  ScalePicture(picture, &wide);
  EXPECT_EQ(wide.rgb[0], 10);
  EXPECT_EQ(wide.rgb[9], 50);
  picture.encoding = "bgr8";
  ScalePicture(picture, &one);
  EXPECT_THAT(one.rgb, ElementsAre(60, 50, 40));
  EXPECT_THAT([&] { CheckPicture(picture, 4, 2, "front"); },
              ThrowsMessage<Error>("front: a picture of 2 x 2 px; the file says 4 x 2"));
  picture.encoding = "mono8";
  EXPECT_THAT([&] { CheckPicture(picture, 2, 2, "front"); },
              ThrowsMessage<Error>("front: a picture in 'mono8'; rgb8 and bgr8 are known"));
  picture.encoding = "rgb8";
  picture.step = 9;
  EXPECT_THAT([&] { CheckPicture(picture, 2, 2, "front"); },
              ThrowsMessage<Error>(HasSubstr("in 16 bytes, 9 for each row")));
  picture.step = 5;
  EXPECT_THAT([&] { CheckPicture(picture, 2, 2, "front"); }, testing::Throws<Error>());
}

// A real ratio: the mean of a picture stays.
TEST(Picture, KeepsTheMean) {
  std::vector<uint8_t> bytes(640 * 480 * 3);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * 2654435761u >> 13);
  Image image(84, 84);
  ScalePicture({640, 480, 1920, "rgb8", bytes}, &image);
  const auto mean = [](const std::vector<uint8_t>& values) {
    double sum = 0;
    for (const uint8_t value : values) sum += value;
    return sum / static_cast<double>(values.size());
  };
  EXPECT_NEAR(mean(image.rgb), mean(bytes), 0.2);
}

TEST(JointMap, GripperAndSigns) {
  SimulatorInfo info;
  info.arms = {"robot0"};
  info.joint_names = {{"robot0_j1", "robot0_j2"}};
  info.gripper_joint_names = {{"left", "right"}};
  Ros2Arm options;
  options.signs = {1, -1};
  options.zero_rad = {0, 0.5};
  options.gripper.joints = {"finger"};
  options.gripper.scale = {1, -1};
  options.gripper.open = 0.04;
  const JointMap map(options, "cell.yaml", info, 0);
  EXPECT_THAT(map.joints(), ElementsAre("j1", "j2", "finger"));
  EXPECT_THAT(map.commanded(), ElementsAre("j1", "j2", "finger"));
  JointBoard board("/joint_states", map.joints());
  const std::array values{0.1, 0.2, 0.01};
  board.Update(Message({"j1", "j2", "finger"}, values, kSecond));
  ArmObservation arm;
  map.Read(board, 0, &arm);
  EXPECT_NEAR(arm.joint_q[1], 0.3, 1e-12);
  EXPECT_EQ(arm.gripper_q[0], 0.01);
  EXPECT_EQ(arm.gripper_q[1], -0.01);
  EXPECT_NEAR(map.GripperOf(board, 0), 0.5, 1e-12);
  std::vector<double> positions;
  map.Write({arm.X_WE, 0.5, JointVector(arm.joint_q)}, &positions);
  ASSERT_EQ(positions.size(), 3u);
  for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(positions[i], values[i], 1e-12);
  // two arms share nothing
  options.command.topic = "/arm";
  info.arms = {"robot0", "robot1"};
  info.joint_names.push_back({"robot1_j1", "robot1_j2"});
  info.gripper_joint_names.push_back({"left", "right"});
  Ros2Arm second = options;
  const JointMap left(options, "cell.yaml", info, 0);
  const auto refused = [&](const std::string& words) {
    const JointMap right(second, "cell.yaml", info, 1);
    EXPECT_THAT([&] { RequireOwnJoints({&left, &right}); }, ThrowsMessage<Error>(HasSubstr(words)));
  };
  refused("cell.yaml: arms.robot1: joint 'j1' is also that of cell.yaml: arms.robot0");
  second.joints = {"k1", "k2"};
  refused("joint 'finger'");
  second.gripper.joints = {"thumb"};
  refused("arms.robot1: /arm has a command of cell.yaml: arms.robot0 already");
  second.command.topic = second.gripper.command.topic = "/other";
  refused("arms.robot1: /other has a command of cell.yaml: arms.robot1 already");
  // a controller of its own
  options.gripper.command.topic = "/gripper";
  EXPECT_THAT(JointMap(options, "cell.yaml", info, 0).commanded(), ElementsAre("j1", "j2"));
  options.joints = {"j1"};
  EXPECT_THAT([&] { JointMap(options, "cell.yaml", info, 0); },
              ThrowsMessage<Error>("cell.yaml: arms.robot0: joints has 1 entries, the robot 2 "
                                   "joints"));
  options.joints = {"j1", "finger"};
  EXPECT_THAT([&] { JointMap(options, "cell.yaml", info, 0); },
              ThrowsMessage<Error>(HasSubstr("names 'finger' twice")));
  options.gripper.joints = {"a", "b", "c"};
  EXPECT_THAT([&] { JointMap(options, "cell.yaml", info, 0); },
              ThrowsMessage<Error>(HasSubstr("gripper.joints has 3 entries, the robot 2 fingers")));
}

}  // namespace
}  // namespace understudy
