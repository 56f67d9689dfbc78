#include "train/samples/embodiment.h"

#include <gtest/gtest.h>

#include <limits>

#include "core/base/error.h"
#include "core/base/rng.h"
#include "train/evaluate/checkpoint_policy.h"

namespace understudy {
namespace {

Pose RandomPose(Rng& rng) {
  const Eigen::Vector3d axis =
      Eigen::Vector3d(rng.Normal(), rng.Normal(), rng.Normal()).normalized();
  return Pose::FromRotvec(axis * rng.Uniform(0, 3.1),
                          {rng.Uniform(-1, 1), rng.Uniform(-1, 1), rng.Uniform(-1, 1)});
}

Embodiment TwoArms(Rng& rng) {
  Embodiment e;
  e.robot = "panda";
  e.arms = {"left", "right"};
  e.X_WB = RandomPose(rng);
  return e;
}

ArmObservation RandomArm(Rng& rng) {
  ArmObservation arm;
  arm.X_WE = RandomPose(rng);
  arm.gripper_q = Eigen::Vector2d(rng.Uniform(0, 0.04), rng.Uniform(0, 0.04));
  return arm;
}

TEST(Embodiment, ActionsComeBack) {
  Rng rng(RngKey{.seed = 1});
  const Embodiment e = TwoArms(rng);
  ASSERT_EQ(e.action_size(), 14);
  for (int trial = 0; trial < 300; ++trial) {
    const std::vector<ArmObservation> arms{RandomArm(rng), RandomArm(rng)};
    const std::vector<Pose> X_WE{arms[0].X_WE, arms[1].X_WE};
    const std::vector<ArmAction> targets{{RandomPose(rng), rng.Uniform(-1, 1)},
                                         {RandomPose(rng), rng.Uniform(-1, 1)}};
    std::vector<float> numbers(14);
    e.EncodeAction(X_WE.data(), targets.data(), numbers.data());
    std::vector<float> again(14);
    e.EncodeTargets(arms, {targets}, again.data());
    EXPECT_EQ(again, numbers);
    const Action back = e.DecodeAction(arms, numbers.data());
    for (size_t a = 0; a < 2; ++a) {
      const Pose& wanted = targets[a].X_WE_cmd;
      EXPECT_LT((back.arms[a].X_WE_cmd.translation() - wanted.translation()).norm(), 1e-6);
      EXPECT_LT(AngleBetween(back.arms[a].X_WE_cmd.rotation(), wanted.rotation()), 1e-5);
      EXPECT_NEAR(back.arms[a].gripper, targets[a].gripper, 1e-7);
    }
  }
}

// Joints: absolute targets, seen from the joints that were measured, and back.
TEST(Embodiment, JointTargetsComeBack) {
  Rng rng(RngKey{.seed = 4});
  Embodiment e = TwoArms(rng);
  e.action_meaning = kRelativeJoints;
  e.joints = {"l1", "l2", "l3", "r1", "r2", "r3"};
  ASSERT_EQ(e.state_size(), 10);
  ASSERT_EQ(e.action_size(), 8);
  const auto angles = [&] {
    return Eigen::Vector3d(rng.Uniform(-3, 3), rng.Uniform(-3, 3), rng.Uniform(-3, 3));
  };
  for (int trial = 0; trial < 100; ++trial) {
    std::vector<ArmObservation> arms{RandomArm(rng), RandomArm(rng)};
    std::vector<ArmAction> targets(2);
    for (size_t a = 0; a < 2; ++a) {
      arms[a].joint_q = angles();
      targets[a].q_cmd = angles();
      targets[a].gripper = rng.Uniform(-1, 1);
    }
    std::vector<float> state(10), absolute(8), relative(8);
    e.EncodeState(arms, state.data());
    EXPECT_FLOAT_EQ(state[0], static_cast<float>(arms[0].joint_q[0]));
    EXPECT_FLOAT_EQ(state[3], static_cast<float>(arms[0].gripper_q[0]));
    EXPECT_FLOAT_EQ(state[5], static_cast<float>(arms[1].joint_q[0]));
    e.EncodeJoints(targets, absolute.data());
    e.SeeFrom(state.data(), absolute.data(), relative.data());
    EXPECT_NEAR(relative[4], targets[1].q_cmd[0] - arms[1].joint_q[0], 1e-6);
    EXPECT_FLOAT_EQ(relative[7], static_cast<float>(targets[1].gripper));
    const Action back = e.DecodeAction(arms, relative.data());
    for (size_t a = 0; a < 2; ++a) {
      ASSERT_EQ(back.arms[a].q_cmd.size(), 3);
      EXPECT_LT((back.arms[a].q_cmd - targets[a].q_cmd).norm(), 1e-6);
      EXPECT_NEAR(back.arms[a].gripper, targets[a].gripper, 1e-7);
    }
  }
}

// The numbers mean world axes: a step along world x is (1, 0, 0) however the hand stands.
TEST(Embodiment, ActionsAreInWorldAxes) {
  Rng rng(RngKey{.seed = 2});
  Embodiment e = TwoArms(rng);
  e.arms = {"only"};
  const Pose X_WE = RandomPose(rng);
  const Eigen::Vector3d turn(0.1, -0.2, 0.05);
  const ArmAction target{
      Pose(RotationExp(turn) * X_WE.rotation(), X_WE.translation() + Eigen::Vector3d(0.03, 0, 0)),
      1};
  std::vector<float> numbers(7);
  e.EncodeAction(&X_WE, &target, numbers.data());
  const std::vector<float> wanted{0.03f, 0, 0, 0.1f, -0.2f, 0.05f, 1};
  for (size_t i = 0; i < 7; ++i) EXPECT_NEAR(numbers[i], wanted[i], 1e-6) << i;
}

// Moving robot and world together changes no state; columns are those of a rotation.
TEST(Embodiment, StatesAreSeenFromTheBase) {
  Rng rng(RngKey{.seed = 3});
  Embodiment e = TwoArms(rng);
  e.arms = {"only"};
  ASSERT_EQ(e.state_size(), 11);
  for (int trial = 0; trial < 50; ++trial) {
    ArmObservation arm = RandomArm(rng);
    std::vector<float> before(11), after(11);
    e.EncodeState({arm}, before.data());
    const Pose X_VW = RandomPose(rng);
    Embodiment moved = e;
    moved.X_WB = X_VW * e.X_WB;
    arm.X_WE = X_VW * arm.X_WE;
    moved.EncodeState({arm}, after.data());
    for (size_t i = 0; i < 11; ++i) EXPECT_NEAR(before[i], after[i], 1e-6);
    const Pose X_BE = e.X_WB.Inverse() * (X_VW.Inverse() * arm.X_WE);
    EXPECT_NEAR(before[0], X_BE.translation()[0], 1e-6);
    const Eigen::Vector3f first(before[3], before[4], before[5]);
    const Eigen::Vector3f second(before[6], before[7], before[8]);
    Eigen::Matrix3f R;
    R << first, second, first.cross(second);
    EXPECT_LT((R.cast<double>() - X_BE.rotation().toRotationMatrix()).norm(), 1e-5);
    EXPECT_NEAR(before[9], arm.gripper_q[0], 1e-7);
  }
}

TEST(Embodiment, GripperCommandsAreClipped) {
  Embodiment e;
  e.arms = {"only"};
  ArmObservation arm;
  arm.gripper_q = Eigen::Vector2d::Zero();
  const std::vector<float> numbers{0, 0, 0, 0, 0, 0, -3};
  EXPECT_EQ(e.DecodeAction({arm}, numbers.data()).arms[0].gripper, -1);
}

TEST(Embodiment, FileFormComesBack) {
  Rng rng(RngKey{.seed = 4});
  const Embodiment e = TwoArms(rng);
  const Embodiment back = FromJson<Embodiment>(Json::parse(ToJson(e).dump()), "test");
  EXPECT_EQ(ToJson(back).dump(), ToJson(e).dump());
  EXPECT_TRUE(back.X_WB == e.X_WB);
}

TEST(Embodiment, NamesTellRobotsApart) {
  Rng rng(RngKey{.seed = 1});
  const Embodiment two = TwoArms(rng);
  Embodiment one = two, joints = two, columns = two, nobody;
  one.arms = {"left"};
  joints.action_meaning = kRelativeJoints;
  columns.action_meaning = kStoredColumns;
  EXPECT_EQ(EmbodimentNames({two, nobody}), (std::vector<std::string>{"panda", "robot"}));
  EXPECT_EQ(EmbodimentNames({two, one}),
            (std::vector<std::string>{"panda/left+right", "panda/left"}));
  EXPECT_EQ(EmbodimentNames({two, joints, one}),
            (std::vector<std::string>{"panda/left+right/relative_eef",
                                      "panda/left+right/relative_joints", "panda/left"}));
  EXPECT_EQ(EmbodimentNames({columns, columns}),
            (std::vector<std::string>{"panda/left+right/columns", "panda/left+right/columns/2"}));
}

TEST(Embodiment, ColumnsAreTheSameByNameAndSize) {
  Rng rng(RngKey{.seed = 1});
  const Embodiment base = TwoArms(rng);
  EXPECT_TRUE(SameColumns(base, base));
  const auto differs = [&](const auto& change) {
    Embodiment other = base;
    change(other);
    return !SameColumns(base, other);
  };
  EXPECT_TRUE(differs([](Embodiment& e) { e.robot = "so101"; }));
  EXPECT_TRUE(differs([](Embodiment& e) { e.arms.pop_back(); }));
  EXPECT_TRUE(differs([](Embodiment& e) { e.gripper_joints = 1; }));
  EXPECT_TRUE(differs([](Embodiment& e) { e.action_meaning = kRelativeJoints; }));
  // where it stands is its meaning, not its layout
  EXPECT_FALSE(differs([](Embodiment& e) { e.X_WB = Pose(); }));
}

// A network that diverged is said to have, instead of moving an arm.
TEST(Embodiment, ANumberThatIsNoneIsNoTarget) {
  Rng rng(RngKey{.seed = 9});
  const Embodiment e = TwoArms(rng);
  const std::vector<ArmObservation> arms{RandomArm(rng), RandomArm(rng)};
  std::vector<float> chunk(28, 0.1f);
  EXPECT_EQ(DecodeChunk(e, arms, chunk).size(), 2u);
  chunk[20] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(DecodeChunk(e, arms, chunk), Error);
}

}  // namespace
}  // namespace understudy
