#include "mimic/attempt/stitch.h"

#include <gtest/gtest.h>

#include "tests/support/random_pose.h"

namespace understudy {
namespace {

SourceDemo RandomDemo(Rng& rng, int arms, int length) {
  SourceDemo demo;
  demo.arms.resize(arms);
  for (SourceDemo::Arm& arm : demo.arms) {
    for (int t = 0; t < length; ++t) {
      arm.X_WE.push_back(RandomPose(rng));
      arm.X_WE_cmd.push_back(RandomPose(rng));
      arm.gripper.push_back(t % 2 ? 1 : -1);
    }
  }
  demo.ends = {length};
  return demo;
}

TEST(Stitch, TheSegmentIsTheSourceWhereNothingMoved) {
  Rng rng(RngKey{.seed = 1});
  const SourceDemo demo = RandomDemo(rng, 2, 20);
  const Action last{{{RandomPose(rng), 1}, {RandomPose(rng), -1}}};
  std::vector<Waypoint> plan;
  PlanSubtask(demo, 3, 17, SegmentTransform(), {}, last, Subtask{}, &plan);
  int row = 3;
  for (const Waypoint& waypoint : plan) {
    if (waypoint.label == StepLabel::kBridge) {
      EXPECT_EQ(row, 3) << "bridges come first";
      EXPECT_EQ(waypoint.source_step, -1);
      continue;
    }
    EXPECT_EQ(waypoint.source_step, row);
    for (int arm = 0; arm < 2; ++arm) {
      EXPECT_TRUE(waypoint.target.arms[arm].X_WE_cmd == demo.arms[arm].X_WE_cmd[row]);
      EXPECT_TRUE(waypoint.X_WE_arrived[arm] == demo.arms[arm].X_WE[row]);
      EXPECT_EQ(waypoint.target.arms[arm].gripper, demo.arms[arm].gripper[row]);
    }
    ++row;
  }
  EXPECT_EQ(row, 17);
}

// A subtask of one arm: the other keeps its last target, whatever the source's did meanwhile.
TEST(Stitch, AnArmWithoutAPartInItKeepsStill) {
  Rng rng(RngKey{.seed = 2});
  const SourceDemo demo = RandomDemo(rng, 2, 20);
  const Action last{{{RandomPose(rng), 1}, {RandomPose(rng), -1}}};
  const SegmentTransform transform(RandomPose(rng), RandomPose(rng), 0);
  Subtask subtask;
  subtask.bridge_arch = 0.1;
  std::vector<Waypoint> both, one;
  PlanSubtask(demo, 3, 17, transform, {}, last, subtask, &both);
  subtask.arm = 1;
  PlanSubtask(demo, 3, 17, transform, {}, last, subtask, &one);
  ASSERT_LE(one.size(), both.size());
  // the arm that moves alone sets the length of the bridge
  const Pose X_WE_first = one[one.size() - 14].X_WE_arrived[1];
  EXPECT_EQ(one.size() - 14, size_t(BridgeLength(last.arms[1].X_WE_cmd, X_WE_first, subtask)));
  for (const Waypoint& waypoint : one) {
    EXPECT_EQ(waypoint.target.arms[0].X_WE_cmd, last.arms[0].X_WE_cmd);
    EXPECT_EQ(waypoint.X_WE_arrived[0], last.arms[0].X_WE_cmd);
    EXPECT_EQ(waypoint.target.arms[0].gripper, 1);
  }
  // and goes as it would if both did
  for (size_t k = 1; k <= 14; ++k) {
    EXPECT_EQ(one[one.size() - k].target.arms[1], both[both.size() - k].target.arms[1]);
  }
}

// Two hands that come down from 1 m by 0.1 m per row, the second one row later; one object below.
SourceDemo DescendingDemo() {
  SourceDemo demo;
  demo.arms.resize(2);
  demo.X_WO = {std::vector<Pose>(10), std::vector<Pose>(10)};
  for (int t = 0; t < 10; ++t) {
    demo.X_WO[1][t] = Pose(Eigen::Quaterniond::Identity(), {5, 0, 0});
    for (int arm = 0; arm < 2; ++arm) {
      const double height = 1 - 0.1 * std::max(0, t - arm);
      demo.arms[arm].X_WE.push_back(Pose(Eigen::Quaterniond::Identity(), {0, 0, height}));
      demo.arms[arm].gripper.push_back(-1);
    }
  }
  demo.arms[0].X_WE_cmd = demo.arms[0].X_WE;
  demo.arms[1].X_WE_cmd = demo.arms[1].X_WE;
  demo.ends = {10};
  return demo;
}

TEST(Stitch, ReplayBeginsWhereAHandFirstComesNear) {
  const SourceDemo demo = DescendingDemo();
  EXPECT_EQ(ReplayStart(demo, 0, 10, 0, 0.55), 5);
  EXPECT_EQ(ReplayStart(demo, 7, 10, 0, 0.55), 7) << "near from the beginning";
  EXPECT_EQ(ReplayStart(demo, 2, 10, 0, 0), 2) << "off";
  EXPECT_EQ(ReplayStart(demo, 2, 10, -1, 0.55), 2) << "no object";
  EXPECT_EQ(ReplayStart(demo, 2, 10, 1, 0.55), 2) << "never near";
  EXPECT_EQ(ReplayStart(demo, 2, 5, 0, 0.55), 2) << "near after the end only";
}

TEST(Stitch, OnlyArmsWithAPartInItSayWhereReplayBeginsAndEnds) {
  SourceDemo demo = DescendingDemo();
  EXPECT_EQ(ReplayStart(demo, 0, 10, 0, 0.55, 0), 5);
  EXPECT_EQ(ReplayStart(demo, 0, 10, 0, 0.55, 1), 6) << "it comes down one row later";
  for (int t = 4; t < 10; ++t) demo.arms[0].gripper[t] = 1;
  EXPECT_EQ(ReplayStart(demo, 1, 10, 0, 0.55, 0), 1) << "its gripper turns on the way";
  EXPECT_EQ(ReplayStart(demo, 1, 10, 0, 0.55, 1), 6);
  EXPECT_EQ(ReplayEnd(demo, 1, 10, 0.25, 0), 8);
  EXPECT_EQ(ReplayEnd(demo, 1, 10, 0.25, 1), 10) << "its gripper does not turn";
}

TEST(Stitch, ReplayKeepsAGripperThatTurnsOnTheWay) {
  for (const int arm : {0, 1}) {
    SourceDemo demo = DescendingDemo();
    for (int t = 4; t < 10; ++t) demo.arms[arm].gripper[t] = 1;
    EXPECT_EQ(ReplayStart(demo, 1, 10, 0, 0.55), 1);
    EXPECT_EQ(ReplayStart(demo, 4, 10, 0, 0.55), 5) << "turned before the segment";
    EXPECT_EQ(ReplayStart(demo, 1, 10, 0, 0.75), 3) << "near before it turns";
  }
}

// The segment ends where the hand has come so far from where its gripper last turned.
TEST(Stitch, ReplayEndsWhereAHandHasWithdrawn) {
  SourceDemo demo = DescendingDemo();
  for (int t = 0; t < 10; ++t) {
    for (SourceDemo::Arm& arm : demo.arms) arm.gripper[t] = 1;
  }
  EXPECT_EQ(ReplayEnd(demo, 0, 10, 0.2), 10) << "no gripper turns";
  // the first hand lets go at row 4; both move by 0.1 m per row
  for (int t = 4; t < 10; ++t) demo.arms[0].gripper[t] = -1;
  EXPECT_EQ(ReplayEnd(demo, 0, 10, 0), 10) << "not asked for";
  EXPECT_EQ(ReplayEnd(demo, 0, 10, 0.05), 6) << "row 5 is away by 0.1 m and belongs to it";
  EXPECT_EQ(ReplayEnd(demo, 0, 10, 0.25), 8);
  EXPECT_EQ(ReplayEnd(demo, 0, 10, 2), 10) << "never so far";
  EXPECT_EQ(ReplayEnd(demo, 4, 10, 0.05), 10) << "it turned before the segment";
  // what counts is the last turn
  demo.arms[1].gripper[6] = -1;
  demo.arms[1].gripper[7] = -1;
  EXPECT_EQ(ReplayEnd(demo, 0, 10, 0.05), 10);
  EXPECT_EQ(ReplayEnd(demo, 0, 8, 0.05), 8);
}

TEST(Bridge, IsStraightWithoutAnArch) {
  Rng rng(RngKey{.seed = 5});
  for (int trial = 0; trial < 100; ++trial) {
    const Pose from = RandomPose(rng), to = RandomPose(rng);
    const Bridge bridge(from, to, 0);
    EXPECT_EQ(bridge.length(), (to.translation() - from.translation()).norm());
    for (const double fraction : {0.0, 0.3, 1.0}) {
      EXPECT_TRUE(bridge.At(fraction) == Interpolate(from, to, fraction));
    }
  }
}

// Up, across, down: level while it moves sideways, at one speed, exact at its ends.
TEST(Bridge, AnArchLeadsOverItsHigherEnd) {
  Rng rng(RngKey{.seed = 6});
  for (int trial = 0; trial < 100; ++trial) {
    const Pose from = RandomPose(rng), to = RandomPose(rng);
    const double arch = rng.Uniform(0.01, 0.5);
    const double top = std::max(from.translation().z(), to.translation().z()) + arch;
    const Bridge bridge(from, to, arch);
    EXPECT_TRUE(bridge.At(0) == from);
    EXPECT_TRUE(bridge.At(1) == to);
    double walked = 0, highest = -1e9;
    for (int k = 0; k < 1000; ++k) {
      const Pose a = bridge.At(k / 1000.0), b = bridge.At((k + 1) / 1000.0);
      const Eigen::Vector3d step = b.translation() - a.translation();
      walked += step.norm();
      highest = std::max(highest, b.translation().z());
      EXPECT_LE(step.norm(), bridge.length() / 1000 * (1 + 1e-9));
      // but for the step around a corner it moves sideways at the top only
      if (std::abs(step.z()) < 1e-12) {
        EXPECT_NEAR(b.translation().z(), top, 1e-9);
      }
      EXPECT_NEAR(AngleBetween(a.rotation(), b.rotation()),
                  AngleBetween(from.rotation(), to.rotation()) / 1000, 1e-9);
    }
    EXPECT_NEAR(walked, bridge.length(), 2e-3 * bridge.length()) << "two corners are cut";
    EXPECT_NEAR(highest, top, 2e-3 * bridge.length());
  }
}

TEST(Bridge, StraightUpAndDownNeedsNoWayAcross) {
  const Pose low = Pose::FromTranslation({1, 2, 0}), high = Pose::FromTranslation({1, 2, 1});
  const Bridge bridge(low, high, 0.5);
  EXPECT_DOUBLE_EQ(bridge.length(), 2);
  EXPECT_NEAR((bridge.At(0.75).translation() - Eigen::Vector3d(1, 2, 1.5)).norm(), 0, 1e-12);
}

TEST(Stitch, AChangedHandIsCarriedAlong) {
  Rng rng(RngKey{.seed = 7});
  const SourceDemo demo = RandomDemo(rng, 2, 6);
  const SegmentTransform transform(RandomPose(rng), RandomPose(rng), 0.2);
  const Action last{{{RandomPose(rng), 1}, {RandomPose(rng), 1}}};
  const std::vector<Pose> X_SE{RandomPose(rng), RandomPose(rng)};
  std::vector<Waypoint> plan, plain;
  PlanSubtask(demo, 0, 6, transform, X_SE, last, Subtask{}, &plan);
  PlanSubtask(demo, 0, 6, transform, {}, last, Subtask{}, &plain);
  for (int back = 1; back <= 6; ++back) {
    for (int arm = 0; arm < 2; ++arm) {
      const Waypoint &a = plan[plan.size() - back], &b = plain[plain.size() - back];
      EXPECT_TRUE(a.target.arms[arm].X_WE_cmd == b.target.arms[arm].X_WE_cmd * X_SE[arm]);
      EXPECT_TRUE(a.X_WE_arrived[arm] == b.X_WE_arrived[arm] * X_SE[arm]);
    }
  }
}

// From the last command to where the source's arm was, within the speeds, gripper as it was.
TEST(Stitch, BridgesKeepTheirSpeedAndTheLastGripper) {
  Rng rng(RngKey{.seed = 2});
  for (int trial = 0; trial < 200; ++trial) {
    const SourceDemo demo = RandomDemo(rng, 1, 5);
    const SegmentTransform transform(RandomPose(rng), RandomPose(rng), 0.4);
    Action last{{{RandomPose(rng), 0.25}}};
    Subtask subtask;
    subtask.bridge_speed = rng.Uniform(0.01, 1);
    subtask.bridge_turn = rng.Uniform(0.02, 1);
    std::vector<Waypoint> plan;
    PlanSubtask(demo, 1, 4, transform, {}, last, subtask, &plan);
    const size_t bridge = plan.size() - 3;
    ASSERT_GE(bridge, static_cast<size_t>(subtask.bridge_steps));
    Pose X = last.arms[0].X_WE_cmd;
    double turned = 0;
    for (size_t k = 0; k < bridge; ++k) {
      ASSERT_EQ(plan[k].label, StepLabel::kBridge);
      EXPECT_EQ(plan[k].target.arms[0].gripper, 0.25);
      const Pose& next = plan[k].target.arms[0].X_WE_cmd;
      EXPECT_LE((next.translation() - X.translation()).norm(), subtask.bridge_speed + 1e-9);
      EXPECT_LE(AngleBetween(next.rotation(), X.rotation()), subtask.bridge_turn + 1e-9);
      turned += AngleBetween(next.rotation(), X.rotation());
      X = next;
    }
    const Pose first = transform(demo.arms[0].X_WE[1]);
    EXPECT_TRUE(X == first) << "the bridge ends exactly where the source's arm was";
    // shorter arc: no more turning than the angle between the ends
    EXPECT_NEAR(turned, AngleBetween(last.arms[0].X_WE_cmd.rotation(), first.rotation()), 1e-9);
    // no shorter than needed, no longer than a step more
    const double distance = (first.translation() - last.arms[0].X_WE_cmd.translation()).norm();
    const double need = std::max({static_cast<double>(subtask.bridge_steps),
                                  distance / subtask.bridge_speed, turned / subtask.bridge_turn});
    EXPECT_LT(static_cast<double>(bridge), need + 1);
  }
}

TEST(Stitch, BridgeLengthIsTheLargestOfItsThreeLowerBounds) {
  Subtask subtask;
  subtask.bridge_steps = 5;
  subtask.bridge_speed = 0.02;
  subtask.bridge_turn = 0.1;
  const Pose X;
  EXPECT_EQ(BridgeLength(X, X, subtask), 5);
  EXPECT_EQ(BridgeLength(X, Pose::FromTranslation({0.2, 0, 0}), subtask), 10);
  EXPECT_EQ(BridgeLength(X, Pose::FromTranslation({0.201, 0, 0}), subtask), 11);
  EXPECT_EQ(BridgeLength(X, PoseFromYaw(2, {0.2, 0, 0}), subtask), 20);
  subtask.bridge_steps = 0;
  EXPECT_EQ(BridgeLength(X, X, subtask), 1);
}

TEST(Stitch, TheSlowestArmSetsTheLength) {
  Rng rng(RngKey{.seed = 3});
  const SourceDemo demo = RandomDemo(rng, 2, 5);
  Action last{{{demo.arms[0].X_WE[0], -1}, {demo.arms[1].X_WE[0], -1}}};
  const Pose& X = last.arms[1].X_WE_cmd;
  last.arms[1].X_WE_cmd = Pose(X.rotation(), X.translation() + Eigen::Vector3d(0, 0, 0.3));
  Subtask subtask;
  subtask.bridge_speed = 0.01;
  std::vector<Waypoint> plan;
  PlanSubtask(demo, 0, 5, SegmentTransform(), {}, last, subtask, &plan);
  EXPECT_EQ(plan.size(), 35u);
}

}  // namespace
}  // namespace understudy
