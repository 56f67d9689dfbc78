#include "teleop/retarget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/six_joints.h"
#include "tests/teleop/faults.h"

namespace understudy {
namespace {

constexpr int64_t kStepNs = 50'000'000;

// Engages both arms of a fresh controller.
struct Engaged {
  explicit Engaged(const RetargetOptions& options) : controller(options, TwoArms()) {
    observation = At({Pose::FromTranslation({0.3, 0, 1}), Pose::FromTranslation({0.3, 0.4, 1})});
    controller.Reset(observation);
    for (int i = 0; i < 4; ++i) Step(Sample(0, hand, 0));
    last = Step(Sample(0, hand, 1));
  }
  Commanded Step(RawSample sample) {
    now += kStepNs;
    sample.monotonic_ns = now;
    last = controller.Update({&sample, 1}, observation, now, 0.05);
    return last;
  }
  TeleopController controller;
  Observation observation;
  Pose hand = Pose::FromTranslation({0.2, 1, -0.3});
  Commanded last;
  int64_t now = 0;
};

TEST(TeleopController, TheStepThatEngagesRepeatsTheCommandBitForBit) {
  Engaged e{RetargetOptions{}};
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_TRUE(e.last.arms[i].flags & kClutchEngaged);
    EXPECT_TRUE(e.last.cues[i].engaged);
    EXPECT_EQ(e.last.action.arms[i].X_WE_cmd, e.observation.arms[i].X_WE);
  }
  // several samples in the step, the hand moving all the while: still a step of zero
  TeleopController controller(RetargetOptions{}, TwoArms());
  controller.Reset(e.observation);
  std::vector<RawSample> samples;
  for (int i = 0; i < 6; ++i) {
    samples.push_back(Sample(i * 8'000'000, Pose::FromTranslation({0.01 * i, 0, 0}), i >= 3));
  }
  const Commanded commanded = controller.Update(samples, e.observation, kStepNs, 0.05);
  EXPECT_TRUE(commanded.arms[0].flags & kClutchEngaged);
  EXPECT_EQ(commanded.action.arms[0].X_WE_cmd, e.observation.arms[0].X_WE);
}

TEST(TeleopController, LosingOneHandHoldsItsArmAndItsGripperAtOnce) {
  Engaged e{RetargetOptions{}};
  Pose hand = e.hand;
  for (int i = 0; i < 10; ++i) {
    hand = Pose::FromTranslation(hand.translation() + Eigen::Vector3d(0.002, 0, 0));
    e.Step(Sample(0, hand, 1, i >= 1));
  }
  const Commanded before = e.last;
  EXPECT_EQ(before.action.arms[0].gripper, 1);
  // arm 0 is led by the right hand: take its tracking away, and let its trigger and squeeze go
  for (int i = 0; i < 5; ++i) {
    hand = Pose::FromTranslation(hand.translation() + Eigen::Vector3d(0.002, 0, 0));
    RawSample sample = Sample(0, hand, 1, 1);
    sample.hands[1].tracking = 3;  // valid, not tracked
    sample.hands[1].trigger = sample.hands[1].squeeze = 0;
    const Commanded now = e.Step(sample);
    EXPECT_EQ(now.action.arms[0], before.action.arms[0]);
    EXPECT_FALSE(now.arms[0].flags & (kTracked | kClutchEngaged));
    EXPECT_EQ(now.cues[0].lost, i == 0 ? ClutchLoss::kUntracked : ClutchLoss::kNone);
    EXPECT_TRUE(now.arms[1].flags & kClutchEngaged);
    EXPECT_NE(now.action.arms[1].X_WE_cmd, before.action.arms[1].X_WE_cmd);
  }
  // tracked again and still squeezed: nothing until a fresh squeeze
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(e.Step(Sample(0, hand, 1, 1)).action.arms[0], before.action.arms[0]);
  }
  e.Step(Sample(0, hand, 0, 1));
  EXPECT_TRUE(e.Step(Sample(0, hand, 1, 1)).arms[0].flags & kClutchEngaged);
}

// One bad sample among good ones drops the clutch: the operator must feel it.
TEST(TeleopController, TheShortestLossIsFelt) {
  Engaged e{RetargetOptions{}};
  std::vector<RawSample> samples;
  for (int i = 0; i < 6; ++i) samples.push_back(Sample(e.now + (i + 1) * 8'000'000, e.hand, 1));
  samples[2].hands[1].tracking = 3;
  const Commanded now =
      e.controller.Update(samples, e.observation, samples.back().monotonic_ns, 0.05);
  EXPECT_FALSE(now.arms[0].flags & kClutchEngaged);
  EXPECT_EQ(now.cues[0].lost, ClutchLoss::kUntracked);
  EXPECT_TRUE(now.arms[1].flags & kClutchEngaged);
  EXPECT_EQ(now.cues[1].lost, ClutchLoss::kNone);
  // letting go is no loss
  e.now = samples.back().monotonic_ns;
  e.Step(Sample(0, e.hand, 0));
  EXPECT_FALSE(e.last.arms[1].flags & kClutchEngaged);
  EXPECT_EQ(e.last.cues[1].lost, ClutchLoss::kNone);
}

// The tracking finds itself elsewhere, with all flags up: the arm stays where it is, for ever.
TEST(TeleopController, JumpsDropTheClutchAndAreNeverFollowed) {
  for (const Pose& jump : {Pose::FromTranslation({0.4, 0, 0}), Pose::FromRotvec({0, 1.2, 0}, {})}) {
    Engaged e{RetargetOptions{}};
    for (int i = 0; i < 5; ++i) e.Step(Sample(0, e.hand, 1));
    const Pose before = e.last.action.arms[0].X_WE_cmd;
    const Pose far(jump.rotation() * e.hand.rotation(), e.hand.translation() + jump.translation());
    for (int i = 0; i < 200; ++i) {
      e.Step(Sample(0, far, 1));
      ASSERT_EQ(e.last.action.arms[0].X_WE_cmd, before) << i;
      ASSERT_FALSE(e.last.arms[0].flags & kClutchEngaged) << i;
      ASSERT_TRUE(e.last.arms[0].flags & kTracked) << i;
      ASSERT_EQ((e.last.arms[0].flags & kRejected) != 0, i == 0) << i;
      ASSERT_EQ(e.last.cues[0].lost, i == 0 ? ClutchLoss::kJump : ClutchLoss::kNone) << i;
    }
    // a fresh squeeze takes hold there, without a step
    e.Step(Sample(0, far, 0));
    e.Step(Sample(0, far, 1));
    EXPECT_TRUE(e.last.arms[0].flags & kClutchEngaged);
    EXPECT_EQ(e.last.action.arms[0].X_WE_cmd, before);
  }
}

TEST(TeleopController, FocusRecenterAndStaleSamplesDropTheClutch) {
  for (const uint32_t event :
       {kEventFocusLost, kEventRecentered, kEventSessionLost, kEventProfileChanged}) {
    Engaged e{RetargetOptions{}};
    RawSample sample = Sample(0, e.hand, 1);
    sample.events = event;
    e.Step(sample);
    EXPECT_FALSE(e.last.arms[0].flags & kClutchEngaged) << event;
    EXPECT_EQ(e.last.cues[0].lost, event == kEventFocusLost     ? ClutchLoss::kFocus
                                   : event == kEventRecentered  ? ClutchLoss::kRecentered
                                   : event == kEventSessionLost ? ClutchLoss::kDevice
                                                                : ClutchLoss::kProfile);
    EXPECT_EQ((e.last.arms[0].flags & kRecentered) != 0, event == kEventRecentered);
    for (int i = 0; i < 5; ++i) e.Step(Sample(0, e.hand, 0));
    e.Step(Sample(0, e.hand, 1));
    // out of focus a squeeze is meant for somebody else
    const bool still_out = event == kEventFocusLost || event == kEventSessionLost;
    EXPECT_EQ((e.last.arms[0].flags & kClutchEngaged) == 0, still_out) << event;
    EXPECT_EQ((e.last.arms[0].flags & kFocusLost) != 0, still_out) << event;
  }
  // no samples, and samples that stopped coming
  Engaged e{RetargetOptions{}};
  Engaged f{RetargetOptions{}};
  const RawSample old = Sample(f.now, f.hand, 1);
  for (const Commanded& now :
       {e.controller.Update({}, e.observation, e.now, 0.05),
        f.controller.Update({&old, 1}, f.observation, f.now + 300'000'000, 0.05)}) {
    EXPECT_FALSE(now.arms[0].flags & kClutchEngaged);
    EXPECT_EQ(now.cues[0].lost, ClutchLoss::kStale);
  }
}

TEST(TeleopController, NoOrderOfFaultsExceedsTheLimiter) {
  int64_t engaged = 0, moved = 0;
  HoldToTheLaw(0, 200, &engaged, &moved);
  // the law was put to the test
  EXPECT_GT(engaged, 8000);
  EXPECT_GT(moved, 2000);
}

TEST(TeleopController, TheSameStreamGivesTheSameActionsBitForBit) {
  const Scene scene = RandomScene(7, 300);
  const RetargetOptions options;
  // recorded as an episode, then retargeted from its raw stream
  Episode episode;
  TeleopController controller(options, TwoArms());
  controller.Reset(scene.observations[0]);
  std::vector<Commanded> commands;
  int64_t ns = 0, id = -1;
  for (size_t k = 0; k < scene.samples.size(); ++k) {
    if (!scene.samples[k].empty()) {
      ns = scene.samples[k].back().monotonic_ns;
      id = scene.samples[k].back().id;
    }
    commands.push_back(controller.Update(scene.samples[k], scene.observations[k], ns, 0.05));
    Step step;
    step.observation = scene.observations[k];
    step.teleop.sample_id = id;
    step.teleop.monotonic_ns = ns;
    episode.steps.push_back(step);
    for (const RawSample& sample : scene.samples[k]) episode.raw.samples.push_back(sample);
  }
  const std::vector<Commanded> again = Retarget(episode, options, TwoArms());
  ASSERT_EQ(again.size(), commands.size());
  for (size_t k = 0; k < commands.size(); ++k) {
    EXPECT_EQ(again[k].action, commands[k].action) << k;
    EXPECT_EQ(again[k].arms[0].flags, commands[k].arms[0].flags);
  }
  // other settings give other actions
  RetargetOptions slow = options;
  slow.clutch.scale = 0.5;
  const std::vector<Commanded> other = Retarget(episode, slow, TwoArms());
  EXPECT_NE(other.back().action, commands.back().action);
}

TEST(TeleopController, EachHandHasItsScale) {
  RetargetOptions options;
  options.filter.enabled = false;
  const auto moved = [&](size_t arm) {
    Engaged e(options);
    const Eigen::Vector3d before = e.last.action.arms[arm].X_WE_cmd.translation();
    const Pose hand = Pose::FromTranslation(e.hand.translation() + Eigen::Vector3d(0, 0.008, 0));
    e.Step(Sample(0, hand, 1));
    return (e.last.action.arms[arm].X_WE_cmd.translation() - before).norm();
  };
  options.clutch.scale = 0.5;
  EXPECT_NEAR(moved(0), 0.004, 1e-12);
  EXPECT_NEAR(moved(1), 0.004, 1e-12);
  // arm 0 is led by the right hand
  options.hand_scales = {0.25, 1};
  EXPECT_NEAR(moved(0), 0.008, 1e-12);
  EXPECT_NEAR(moved(1), 0.002, 1e-12);
  // settings that say nothing of it are stored as they were before there was anything to say
  EXPECT_FALSE(ToJson(RetargetOptions{}).contains("hand_scales"));
  EXPECT_TRUE(ToJson(options).contains("hand_scales"));
}

// An arm at its end holds, says so, and the same stream gives the same commands again.
TEST(TeleopController, AnArmHoldsBeforeTheEndOfAJoint) {
  const auto geometry = std::make_shared<SixJoints>();
  const Eigen::VectorXd q = SixJoints::Bent();
  geometry->upper_[0] = q[0] + 0.1;
  SimulatorInfo info;
  info.arms = {"robot0"};
  TeleopController controller({}, info, {geometry});
  Observation seen = At({geometry->Forward(q)});
  seen.arms[0].joint_q = q;
  controller.Reset(seen);
  Episode episode;
  int64_t now = 0;
  Pose hand;
  const auto step = [&](double squeeze) {
    RawSample sample = Sample(now += kStepNs, hand, squeeze);
    sample.id = static_cast<int64_t>(episode.steps.size());
    const Commanded commanded = controller.Update({&sample, 1}, seen, now, 0.05);
    Step row;
    row.observation = seen;
    row.action = commanded.action;
    row.teleop.sample_id = sample.id;
    row.teleop.monotonic_ns = now;
    episode.steps.push_back(row);
    episode.raw.samples.push_back(sample);
    // the arm follows
    seen.arms[0].X_WE = commanded.action.arms[0].X_WE_cmd;
    seen.arms[0].joint_q = geometry->Follow(seen.arms[0].X_WE, seen.arms[0].joint_q);
    return commanded;
  };
  for (int i = 0; i < 4; ++i) step(0);
  step(1);
  // to the left of the operator, about the base
  Commanded last;
  for (int i = 0; i < 80; ++i) {
    hand = Pose::FromTranslation(hand.translation() + Eigen::Vector3d(-0.004, 0, 0));
    last = step(1);
    ASSERT_LT(seen.arms[0].joint_q[0], geometry->upper_[0]) << i;
  }
  EXPECT_TRUE(last.arms[0].flags & kClutchEngaged);
  EXPECT_TRUE(last.arms[0].flags & kLinearClamped);
  EXPECT_GT(seen.arms[0].joint_q[0], q[0] + 0.03);
  const std::vector<Commanded> again = Retarget(episode, {}, info, {geometry});
  for (size_t k = 0; k < again.size(); ++k) {
    ASSERT_EQ(again[k].action, episode.steps[k].action) << k;
  }
  // its settings are unwritten where they are the default
  EXPECT_FALSE(ToJson(RetargetOptions{}).contains("posture"));
}

// The sticks move the operator, and the hand's directions with them, while no clutch holds.
TEST(TeleopController, SticksTurnTheViewOnlyWhileNothingIsHeld) {
  Engaged e{RetargetOptions{}};
  const OperatorPlacement before = e.controller.placement();
  const auto pushed = [&](double squeeze, float x, float y) {
    RawSample sample = Sample(0, e.hand, squeeze);
    sample.hands[0].stick_x = sample.hands[1].stick_x = x;
    sample.hands[0].stick_y = y;
    return e.Step(sample);
  };
  const Commanded held = e.last;
  for (int i = 0; i < 20; ++i) pushed(1, i % 2 ? 1 : 0, 1);
  EXPECT_EQ(e.controller.placement(), before);
  EXPECT_EQ(e.last.action, held.action);
  // let go: a push to the side is one turn to the right, however long it lasts
  pushed(0, 0, 0);
  for (int i = 0; i < 20; ++i) pushed(0, 1, 0);
  EXPECT_NEAR(e.controller.placement().yaw, before.yaw - M_PI / 8, 1e-12);
  EXPECT_EQ(e.last.action, held.action);
  for (int i = 0; i < 3; ++i) {
    pushed(0, 0, 0);
    pushed(0, 1, 0);
  }
  EXPECT_NEAR(e.controller.placement().yaw, before.yaw - M_PI / 2, 1e-12);
  // ahead is now to the right of where it was: -y of the world
  pushed(0, 0, 0);
  e.Step(Sample(0, e.hand, 1));
  ASSERT_TRUE(e.last.arms[0].flags & kClutchEngaged);
  EXPECT_EQ(e.last.action, held.action);
  const Eigen::Vector3d p = e.last.action.arms[0].X_WE_cmd.translation();
  for (int i = 0; i < 20; ++i) {
    e.hand = Pose::FromTranslation(e.hand.translation() + Eigen::Vector3d(0, 0, -0.002));
    e.Step(Sample(0, e.hand, 1));
  }
  const Eigen::Vector3d moved = e.last.action.arms[0].X_WE_cmd.translation() - p;
  EXPECT_LT(moved.y(), -0.03);
  EXPECT_NEAR(moved.x(), 0, 1e-9);
}

// Sticks that are pushed while an attempt begins: what is recorded is enough to do it again.
TEST(TeleopController, WhatTheSticksDidBeforeAnAttemptIsInItsPlacement) {
  const auto pushed = [](int64_t ns, double squeeze, double ahead) {
    RawSample sample = Sample(ns, Pose::FromTranslation({0.2, 1, -0.3 - ahead}), squeeze);
    sample.hands[0].stick_y = squeeze > 0 ? 0 : 1;
    sample.hands[1].stick_x = squeeze > 0 ? 0 : 1;
    return sample;
  };
  RetargetOptions options;
  TeleopController controller(options, TwoArms());
  int64_t now = 0;
  bool moved = false;
  for (int i = 0; i < 10; ++i) {
    RawSample sample = pushed(now += kStepNs, 0, 0);
    sample.hands[1].stick_x = 0;
    moved |= controller.Look({&sample, 1});
  }
  EXPECT_TRUE(moved);
  const Observation seen =
      At({Pose::FromTranslation({0.3, 0, 1}), Pose::FromTranslation({0.3, 0.4, 1})});
  controller.Reset(seen);
  options.placement = controller.placement();
  EXPECT_GT(options.placement.p_WT.x(), OperatorPlacement{}.p_WT.x() + 0.1);
  Episode episode;
  std::vector<Commanded> commands;
  for (int i = 0; i < 40; ++i) {
    RawSample sample = pushed(now += kStepNs, i > 10, i > 12 ? 0.002 * (i - 12) : 0);
    sample.id = i;
    commands.push_back(controller.Update({&sample, 1}, seen, now, 0.05));
    Step row;
    row.observation = seen;
    row.teleop.sample_id = i;
    row.teleop.monotonic_ns = now;
    episode.steps.push_back(row);
    episode.raw.samples.push_back(sample);
  }
  EXPECT_GT(controller.placement().p_WT.x(), options.placement.p_WT.x());
  EXPECT_TRUE(commands.back().arms[0].flags & kClutchEngaged);
  const std::vector<Commanded> again = Retarget(episode, options, TwoArms());
  for (size_t k = 0; k < again.size(); ++k) EXPECT_EQ(again[k].action, commands[k].action) << k;
}

TEST(TeleopController, RefusesOptionsThatCannotWork) {
  RetargetOptions options;
  options.clutch.release = 0.7;
  const auto text = [&] {
    try {
      TeleopController controller(options, TwoArms());
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(text(), testing::HasSubstr("clutch.release = 0.7: must be less than clutch.press"));
  options = {};
  options.hands = {1};
  EXPECT_THAT(text(), testing::HasSubstr("2 arms, 1 hands"));
  options = {};
  options.hand_scales = {1};
  EXPECT_THAT(text(), testing::HasSubstr("hand_scales: has 1 numbers: give two, of the left and of "
                                         "the right hand, or none"));
}

}  // namespace
}  // namespace understudy
