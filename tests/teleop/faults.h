#pragma once

// Two arms at a headset whose hands are lost, found, recentered, jump and send numbers that are
// none, in any order.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/base/rng.h"
#include "core/seam/teleop_device.h"
#include "teleop/retarget.h"

namespace understudy {

inline SimulatorInfo TwoArms() {
  SimulatorInfo info;
  info.arms = {"robot0", "robot1"};
  info.X_WB.resize(2);
  info.workspace_radius = 5;
  return info;
}

inline Observation At(const std::vector<Pose>& arms) {
  Observation observation;
  for (const Pose& X_WE : arms) {
    ArmObservation arm;
    arm.X_WE = X_WE;
    observation.arms.push_back(arm);
  }
  return observation;
}

// One sample with both hands tracked.
inline RawSample Sample(int64_t ns, const Pose& X_TH, double squeeze, double trigger = 0) {
  RawSample sample;
  sample.monotonic_ns = ns;
  for (RawHand& hand : sample.hands) {
    hand.active = true;
    hand.tracking = 15;
    hand.X_TH = X_TH;
    hand.squeeze = static_cast<float>(squeeze);
    hand.trigger = static_cast<float>(trigger);
  }
  return sample;
}

// Random events in any order: the law that a user trusts with a real arm.
struct Scene {
  std::vector<std::vector<RawSample>> samples;  // by step
  std::vector<Observation> observations;
};
inline Scene RandomScene(uint64_t seed, int steps) {
  Rng rng(RngKey{.seed = seed}), sticks(RngKey{.seed = seed}.WithTerm("sticks"));
  Scene scene;
  Pose hand = Pose::FromTranslation({0, 1, 0});
  std::vector<Pose> arms{Pose::FromTranslation({0.4, 0, 1}), Pose::FromTranslation({0.4, 0.5, 1})};
  double squeeze = 0, trigger = 0;
  int lost = 0, unfocused = 0;
  int64_t ns = 0;
  for (int k = 0; k < steps; ++k) {
    std::vector<RawSample> samples;
    const int count = static_cast<int>(rng.UniformInt(int64_t{0}, int64_t{6}));
    if (rng.Uniform() < 0.01) ns += 400'000'000;  // nothing came for a while
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
      if (lost > 0 && --lost > 0) sample.hands[1].tracking = 0;
      if (rng.Uniform() < 0.01) sample.events |= kEventRecentered;
      if (rng.Uniform() < 0.005) sample.events |= kEventProfileChanged;
      // numbers that are none, and a trigger that is let go while nobody sees it
      if (rng.Uniform() < 0.01) sample.hands[1].squeeze = NAN;
      if (rng.Uniform() < 0.01) sample.hands[0].trigger = NAN;
      if (rng.Uniform() < 0.01) sample.hands[0].active = false;
      if (sample.hands[1].tracking == 0) sample.hands[1].trigger = 0;
      if (rng.Uniform() < 0.01) sample.events |= kEventFocusLost, unfocused = 5;
      if (unfocused > 0 && --unfocused == 0) sample.events |= kEventFocusGained;
      for (RawHand& seen : sample.hands) {
        seen.stick_x = static_cast<float>(sticks.Uniform(-1.1, 1.1));
        seen.stick_y = static_cast<float>(sticks.Uniform(-1.1, 1.1));
        if (sticks.Uniform() < 0.01) seen.stick_x = NAN;
      }
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

// Whether a sample shows a hand that has let the trigger go.
inline bool LetsGo(const RawSample& sample, int hand) {
  const RawHand& seen = sample.hands[static_cast<size_t>(hand)];
  return seen.active && seen.tracking == 15 && seen.trigger <= ClutchOptions{}.release;
}

// Holds random scenes to the law; counts rows with an engaged arm, and with an arm that moves.
inline void HoldToTheLaw(uint64_t first_seed, uint64_t count, int64_t* engaged, int64_t* moved) {
  for (uint64_t seed = first_seed; seed < first_seed + count; ++seed) {
    const RetargetOptions options;
    const Scene scene = RandomScene(seed, 300);
    TeleopController controller(options, TwoArms());
    controller.Reset(scene.observations[0]);
    std::vector<Pose> last{scene.observations[0].arms[0].X_WE, scene.observations[0].arms[1].X_WE};
    std::vector<double> grippers{-1, -1};
    int64_t ns = 0;
    for (size_t k = 0; k < scene.samples.size(); ++k) {
      const OperatorPlacement placement = controller.placement();
      const std::vector<RawSample>& samples = scene.samples[k];
      if (!samples.empty()) ns = samples.back().monotonic_ns;
      const Commanded now = controller.Update(samples, scene.observations[k], ns, 0.05);
      // the view does not move in a step through which a hand holds an arm
      for (size_t i = 0; i < 2; ++i) {
        if (!(now.arms[i].flags & kClutchEngaged) || now.cues[i].engaged) continue;
        ASSERT_EQ(controller.placement(), placement) << seed << " " << k;
      }
      ASSERT_TRUE(controller.placement().p_WT.allFinite()) << seed << " " << k;
      for (size_t i = 0; i < 2; ++i) {
        const int hand = controller.hand(i);
        const Pose& X = now.action.arms[i].X_WE_cmd;
        ASSERT_TRUE(X.translation().allFinite()) << seed << " " << k;
        const double step = (X.translation() - last[i].translation()).norm();
        ASSERT_LE(step, options.limiter.max_speed * 0.05 + 1e-12) << seed << " " << k;
        ASSERT_LE(AngleBetween(X.rotation(), last[i].rotation()),
                  options.limiter.max_turn * 0.05 + 1e-9);
        // a released arm does not move at all, an engaging one neither
        if (!(now.arms[i].flags & kClutchEngaged) || now.cues[i].engaged) {
          ASSERT_EQ(X, last[i]) << seed << " " << k;
        }
        // a loss is a loss of something that was held
        if (now.cues[i].lost != ClutchLoss::kNone && !now.cues[i].engaged) {
          ASSERT_FALSE(now.arms[i].flags & kClutchEngaged) << seed << " " << k;
        }
        // the gripper opens for a hand that is seen to let go, and for nothing else
        const double gripper = now.action.arms[i].gripper;
        if (gripper < grippers[i]) {
          ASSERT_TRUE(std::any_of(samples.begin(), samples.end(),
                                  [&](const RawSample& sample) { return LetsGo(sample, hand); }))
              << seed << " " << k;
        }
        // a row that says tracked has a newest sample that is
        if (now.arms[i].flags & kTracked) {
          ASSERT_FALSE(samples.empty());
          const RawHand& newest = samples.back().hands[static_cast<size_t>(hand)];
          ASSERT_TRUE(newest.active && newest.tracking == 15) << seed << " " << k;
        }
        *engaged += (now.arms[i].flags & kClutchEngaged) != 0;
        *moved += step > 0.005;
        last[i] = X;
        grippers[i] = gripper;
      }
    }
  }
}

}  // namespace understudy
