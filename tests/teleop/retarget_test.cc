#include "teleop/retarget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
    sample.hands[1].location_flags = 3;  // valid, not tracked
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
  samples[2].hands[1].location_flags = 3;
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
}

}  // namespace
}  // namespace understudy
