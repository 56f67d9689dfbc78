// The last piece before commands leave for an arm.
#include "core/motion/safety_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/base/error.h"
#include "tests/support/guarded_arm.h"

namespace understudy {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

using namespace guarded;

class SafetyFilterTest : public testing::TestWithParam<ActionKind> {};

TEST_P(SafetyFilterTest, NoCommandIsBeyondTheLimits) { ExpectLimitsKept(GetParam(), 40000, 1); }

TEST_P(SafetyFilterTest, WhatIsWithinTheLimitsIsPassedOnBitForBit) {
  const ActionKind kind = GetParam();
  SafetyFilter filter(guarded::Options(), guarded::Arm(kind), guarded::kDt);
  VectorXd q = VectorXd::Zero(6);
  filter.Reset(At(q, kind), q);
  for (int step = 1; step < 400; ++step) {
    const double s = 0.15 * std::pow(std::sin(0.01 * step), 2);
    q << s, -s, 0.5 * s, s, 0.3 * s, -s;
    const ArmAction wanted = At(q, kind);
    const SafeCommand command = filter.Limit(wanted, q);
    ASSERT_FALSE(command.any()) << step;
    ASSERT_EQ(command.action, wanted) << step;
  }
}

// Without a command it brakes and rests; it begins again from where it rests.
TEST_P(SafetyFilterTest, HoldsWhereNothingIsAsked) {
  const ActionKind kind = GetParam();
  SafetyFilter filter(guarded::Options(), guarded::Arm(kind), guarded::kDt);
  VectorXd q = VectorXd::Zero(6), far = VectorXd::Constant(6, 0.3);
  filter.Reset(At(q, kind), q);
  Differences seen(At(q, kind));
  for (int step = 0; step < 12; ++step) seen.See(filter.Limit(At(far, kind), q).action);
  ArmAction last = filter.Hold();
  seen.See(last);
  int moved = 1;
  for (ArmAction next = filter.Hold(); !(next == last); next = filter.Hold(), ++moved) {
    seen.See(next);
    last = next;
    ASSERT_LT(moved, 60);
  }
  EXPECT_GT(moved, 2) << "not at once";
  EXPECT_LE(seen.jerk, (kind == ActionKind::kPose ? 100 : 1e9) * (1 + 1e-6));
  EXPECT_LE(seen.joint_jerk, 200 * (1 + 1e-6));
  EXPECT_EQ(filter.Hold(), last);
  EXPECT_EQ(last.gripper, 0.5);
}

// A posture that must not be is not gone to; others are.
TEST_P(SafetyFilterTest, StaysOutOfWhatMustNotBeTouched) {
  const ActionKind kind = GetParam();
  GuardedArm arm = guarded::Arm(kind);
  arm.valid = [](const JointVector& q) { return q[0] < 0.2; };
  SafetyFilter filter(guarded::Options(), arm, guarded::kDt);
  VectorXd q = VectorXd::Zero(6), beyond = VectorXd::Zero(6), back = VectorXd::Zero(6);
  beyond[0] = 0.4;
  back[1] = -0.2;
  filter.Reset(At(q, kind), q);
  int posture = 0;
  for (int step = 0; step < 300; ++step) {
    const SafeCommand command = filter.Limit(At(beyond, kind), q);
    posture += command.Stopped(SafetyStop::kPosture);
    q = kind == ActionKind::kJoints ? VectorXd(command.action.q_cmd) : JointsOf(command.action);
    ASSERT_LT(q[0], 0.2);
  }
  EXPECT_GT(posture, 100);
  EXPECT_GT(q[0], 0.05) << "it went there as far as it may";
  for (int step = 0; step < 300; ++step) {
    const SafeCommand command = filter.Limit(At(back, kind), q);
    q = kind == ActionKind::kJoints ? VectorXd(command.action.q_cmd) : JointsOf(command.action);
  }
  EXPECT_LT((q - back).norm(), 1e-6);
}

// Speeds keep the share of their limits that is allowed at the time, whatever it rises to.
TEST_P(SafetyFilterTest, TheSlowStartIsKept) {
  const ActionKind kind = GetParam();
  const SafetyOptions options = guarded::Options();
  SafetyFilter filter(options, guarded::Arm(kind), guarded::kDt);
  VectorXd q = VectorXd::Zero(6);
  filter.SetPace(0.1);
  filter.Reset(At(q, kind), q);
  EXPECT_TRUE(filter.Resting());
  HostilePolicy policy(kind, 5);
  ArmAction last = At(q, kind);
  double fastest = 0;
  for (int step = 0; step < 2000; ++step) {
    const double pace = std::min(1.0, 0.1 + step / 2000.0);
    filter.SetPace(pace);
    const ArmAction now = filter.Limit(policy.Ask(q), q).action;
    const bool joints = kind == ActionKind::kJoints;
    const double speed =
        (joints ? (now.q_cmd - last.q_cmd).cwiseAbs().maxCoeff()
                : (now.X_WE_cmd.translation() - last.X_WE_cmd.translation()).norm()) /
        guarded::kDt;
    const double most = pace * (joints ? options.max_joint_speed : options.max_speed);
    ASSERT_LE(speed, most * (1 + 1e-6)) << step;
    fastest = std::max(fastest, speed / most);
    q = joints ? VectorXd(now.q_cmd) : JointsOf(now);
    last = now;
  }
  EXPECT_GT(fastest, 0.9);
  EXPECT_FALSE(filter.Resting());
  for (int step = 0; step < 200 && !filter.Resting(); ++step) last = filter.Hold();
  EXPECT_TRUE(filter.Resting());
  EXPECT_EQ(filter.Hold(), last);
}

INSTANTIATE_TEST_SUITE_P(All, SafetyFilterTest,
                         testing::Values(ActionKind::kPose, ActionKind::kJoints),
                         [](const auto& info) {
                           return std::string(
                               EnumNames<ActionKind>::kNames[static_cast<size_t>(info.param)]);
                         });

TEST(SafetyFilter, JointsNeedTheirLimits) {
  GuardedArm arm = guarded::Arm(ActionKind::kJoints);
  arm.kinematics = nullptr;
  EXPECT_THAT([&] { SafetyFilter(guarded::Options(), arm, guarded::kDt); },
              ThrowsMessage<Error>(HasSubstr("the limits of the arm's joints are unknown")));
}

// A box that does not hold the base: a target beyond the reach is gone towards inside the box.
TEST(SafetyFilter, GoesToTheNearestPlaceThatIsAllowed) {
  SafetyOptions options = guarded::Options();
  options.z = {0.1, 1};
  GuardedArm arm = guarded::Arm(ActionKind::kPose);
  arm.reach = 0.4;
  SafetyFilter filter(options, arm, guarded::kDt);
  VectorXd q = VectorXd::Zero(6), far = q;
  q[0] = 0.2;
  q[2] = 0.1;
  far[0] = 3;
  far[2] = 0.1;
  filter.Reset(At(q, ActionKind::kPose), q);
  for (int step = 0; step < 200; ++step) {
    q = JointsOf(
        filter.Limit({Pose::FromTranslation(kBase * Vector3d(far.head<3>())), 0, {}}, q).action);
  }
  EXPECT_NEAR(q[0], std::sqrt(0.4 * 0.4 - 0.01), 1e-3);
  EXPECT_NEAR(q[2], 0.1, 1e-6);
}

TEST(SafetyFilter, MarginsThatLeaveNothingAreRefused) {
  SafetyOptions options = guarded::Options();
  options.joint_margin = 0.6;
  EXPECT_THAT(
      [&] { SafetyFilter(options, guarded::Arm(ActionKind::kJoints), guarded::kDt); },
      ThrowsMessage<Error>(HasSubstr("safety.joint_margin = 0.6 rad: joint 0 has a range of "
                                     "1.000 rad")));
}

}  // namespace
}  // namespace understudy
