#include "teleop/retarget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/rng.h"
#include "core/seam/teleop_device.h"

namespace understudy {
namespace {

SimulatorInfo TwoArms() {
  SimulatorInfo info;
  info.arms = {"robot0", "robot1"};
  info.X_WB.resize(2);
  info.workspace_radius = 5;
  return info;
}

Observation At(const std::vector<Pose>& arms) {
  Observation observation;
  for (const Pose& X_WE : arms) {
    ArmObservation arm;
    arm.X_WE = X_WE;
    observation.arms.push_back(arm);
  }
  return observation;
}

// One sample with both hands tracked.
RawSample Sample(int64_t ns, const Pose& X_TH, double squeeze, double trigger = 0) {
  RawSample sample;
  sample.monotonic_ns = ns;
  for (RawHand& hand : sample.hands) {
    hand.active = true;
    hand.location_flags = 15;
    hand.X_TH = X_TH;
    hand.squeeze = static_cast<float>(squeeze);
    hand.trigger = static_cast<float>(trigger);
  }
  return sample;
}

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
    EXPECT_EQ(now.cues[0].lost, i == 0);
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

TEST(TeleopController, FocusRecenterAndStaleSamplesDropTheClutch) {
  for (const uint32_t event :
       {kEventFocusLost, kEventRecentered, kEventSessionLost, kEventProfileChanged}) {
    Engaged e{RetargetOptions{}};
    RawSample sample = Sample(0, e.hand, 1);
    sample.events = event;
    e.Step(sample);
    EXPECT_FALSE(e.last.arms[0].flags & kClutchEngaged) << event;
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
  EXPECT_FALSE(e.controller.Update({}, e.observation, e.now, 0.05).arms[0].flags & kClutchEngaged);
  const RawSample old = Sample(f.now, f.hand, 1);
  EXPECT_FALSE(
      f.controller.Update({&old, 1}, f.observation, f.now + 300'000'000, 0.05).arms[0].flags &
      kClutchEngaged);
}

// Random events in any order: the law that a user trusts with a real arm.
struct Scene {
  std::vector<std::vector<RawSample>> samples;  // by step
  std::vector<Observation> observations;
};
Scene RandomScene(uint64_t seed, int steps) {
  Rng rng(RngKey{.seed = seed});
  Scene scene;
  Pose hand = Pose::FromTranslation({0, 1, 0});
  std::vector<Pose> arms{Pose::FromTranslation({0.4, 0, 1}), Pose::FromTranslation({0.4, 0.5, 1})};
  double squeeze = 0, trigger = 0;
  int lost = 0, unfocused = 0;
  int64_t ns = 0;
  for (int k = 0; k < steps; ++k) {
    std::vector<RawSample> samples;
    const int count = static_cast<int>(rng.UniformInt(int64_t{0}, int64_t{6}));
    for (int i = 0; i < count; ++i) {
      ns += static_cast<int64_t>(rng.Uniform(0, 2e7));
      if (rng.Uniform() < 0.1) squeeze = rng.Uniform() < 0.6 ? 1 : rng.Uniform();
      if (rng.Uniform() < 0.05) squeeze = 0;
      if (rng.Uniform() < 0.05) trigger = rng.Uniform();
      if (rng.Uniform() < 0.02) lost = static_cast<int>(rng.UniformInt(int64_t{1}, int64_t{20}));
      // hands move, jump, or are swapped by the tracking
      const double far = rng.Uniform() < 0.02 ? 2 : 0.01;
      const Eigen::Vector3d p(rng.Normal(), rng.Normal(), rng.Normal());
      const Eigen::Vector3d r(rng.Normal(), rng.Normal(), rng.Normal());
      hand = Pose(RotationExp(3 * far * r) * hand.rotation(), hand.translation() + far * p);
      RawSample sample = Sample(ns, hand, squeeze, trigger);
      if (lost > 0 && --lost > 0) sample.hands[1].location_flags = 0;
      if (rng.Uniform() < 0.01) sample.events |= kEventRecentered;
      if (rng.Uniform() < 0.01) sample.events |= kEventFocusLost, unfocused = 5;
      if (unfocused > 0 && --unfocused == 0) sample.events |= kEventFocusGained;
      sample.id = static_cast<int64_t>(scene.samples.size()) * 100 + i;
      samples.push_back(sample);
    }
    scene.samples.push_back(samples);
    // arms that are pushed about
    for (Pose& X_WE : arms) {
      const Eigen::Vector3d p(rng.Normal(), rng.Normal(), rng.Normal());
      X_WE = Pose(RotationExp(0.05 * p) * X_WE.rotation(), X_WE.translation() + 0.02 * p);
    }
    scene.observations.push_back(At(arms));
  }
  return scene;
}

TEST(TeleopController, NoOrderOfLossRegainAndReleaseExceedsTheLimiter) {
  int engaged = 0, moved = 0;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const RetargetOptions options;
    const Scene scene = RandomScene(seed, 300);
    TeleopController controller(options, TwoArms());
    controller.Reset(scene.observations[0]);
    std::vector<Pose> last{scene.observations[0].arms[0].X_WE, scene.observations[0].arms[1].X_WE};
    int64_t ns = 0;
    for (size_t k = 0; k < scene.samples.size(); ++k) {
      if (!scene.samples[k].empty()) ns = scene.samples[k].back().monotonic_ns;
      const Commanded now = controller.Update(scene.samples[k], scene.observations[k], ns, 0.05);
      for (size_t i = 0; i < 2; ++i) {
        const Pose& X = now.action.arms[i].X_WE_cmd;
        const double step = (X.translation() - last[i].translation()).norm();
        ASSERT_LE(step, options.limiter.max_speed * 0.05 + 1e-12) << seed << " " << k;
        ASSERT_LE(AngleBetween(X.rotation(), last[i].rotation()),
                  options.limiter.max_turn * 0.05 + 1e-9);
        // a released arm does not move at all, an engaging one neither
        if (!(now.arms[i].flags & kClutchEngaged) || now.cues[i].engaged) {
          ASSERT_EQ(X, last[i]);
        }
        engaged += (now.arms[i].flags & kClutchEngaged) != 0;
        moved += step > 0.005;
        last[i] = X;
      }
    }
  }
  // the law was put to the test
  EXPECT_GT(engaged, 3000);
  EXPECT_GT(moved, 1000);
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
