#include "core/motion/limiter.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/rng.h"

namespace understudy {
namespace {

Pose Near(Rng& rng, const Pose& X, double metres, double radians) {
  const Eigen::Vector3d p(rng.Normal(), rng.Normal(), rng.Normal());
  const Eigen::Vector3d r(rng.Normal(), rng.Normal(), rng.Normal());
  return Pose(RotationExp(radians * r) * X.rotation(), X.translation() + metres * p);
}

TEST(Limiter, NeverExceedsItsSpeedsWhateverItIsAsked) {
  Rng rng(RngKey{.seed = 3});
  const LimiterOptions options;
  for (int run = 0; run < 50; ++run) {
    Limiter limiter(options);
    Pose last = Near(rng, {}, 0.5, 1);
    limiter.Reset(last);
    Pose X_WE = last;
    for (int i = 0; i < 200; ++i) {
      X_WE = Near(rng, X_WE, 0.05, 0.2);
      const double dt = rng.Uniform(0, 0.3);
      const ArmBounds bounds{X_WE, DeltaLimits{}, {0, 0, 0}, 0.8};
      const Pose X = limiter.Limit(Near(rng, {}, 1, 2), bounds, dt).X_WE_cmd;
      const double seconds = std::clamp(dt, 1e-4, 0.1);
      ASSERT_LE((X.translation() - last.translation()).norm(), options.max_speed * seconds + 1e-12);
      ASSERT_LE(AngleBetween(X.rotation(), last.rotation()), options.max_turn * seconds + 1e-9);
      ASSERT_NEAR(X.rotation().norm(), 1, 1e-14);
      last = X;
    }
  }
}

TEST(Limiter, PassesOnWhatIsAllowedAndFlagsWhatIsNot) {
  Limiter limiter{LimiterOptions{}};
  limiter.Reset({});
  const ArmBounds bounds{{}, DeltaLimits{}, {0, 0, 0}, 0.8};
  const Pose small = Pose::FromRotvec({0, 0, 0.01}, {0.005, 0, 0});
  LimitedTarget out = limiter.Limit(small, bounds, 0.05);
  EXPECT_FALSE(out.linear_clamped);
  EXPECT_FALSE(out.angular_clamped);
  EXPECT_LT((out.X_WE_cmd.translation() - small.translation()).norm(), 1e-15);
  out = limiter.Limit(Pose::FromTranslation({0.03, 0, 0}), bounds, 0.05);
  EXPECT_TRUE(out.linear_clamped);
  EXPECT_FALSE(out.angular_clamped);
  EXPECT_NEAR(out.X_WE_cmd.translation().x(), 0.005 + 0.0125, 1e-12);
  out = limiter.Limit(Pose::FromRotvec({0.3, 0, 0}, out.X_WE_cmd.translation()), bounds, 0.05);
  EXPECT_FALSE(out.linear_clamped);
  EXPECT_TRUE(out.angular_clamped);
}

TEST(Limiter, ATargetEqualToTheLastCommandIsRepeatedBitForBit) {
  Rng rng(RngKey{.seed = 4});
  Limiter limiter{LimiterOptions{}};
  for (int i = 0; i < 100; ++i) {
    const Pose X = Near(rng, {}, 1, 1);
    limiter.Reset(X);
    // even where the arm is elsewhere and the reach is short
    const ArmBounds bounds{{}, DeltaLimits{}, {0, 0, 0}, 0.1};
    EXPECT_EQ(limiter.Limit(X, bounds, 0.05).X_WE_cmd, X);
  }
}

TEST(Limiter, ABlockedArmDoesNotWindUpAndTheReachIsKept) {
  LimiterOptions options;
  options.max_speed = 5;
  Limiter limiter(options);
  limiter.Reset({});
  const DeltaLimits box;
  Pose X;
  for (int i = 0; i < 100; ++i) {
    X = limiter.Limit(Pose::FromTranslation({1, 0, 0}), {{}, box, {0, 0, 0}, 10}, 0.05).X_WE_cmd;
  }
  EXPECT_NEAR(X.translation().x(), box.linear, 1e-4);
  // what comes out is what the controller takes
  EXPECT_EQ(ClipTarget({}, {X, 0}, box).X_WE_cmd, X);
  Pose X_WE;
  for (int i = 0; i < 400; ++i) {
    X_WE = X = limiter.Limit(Pose::FromTranslation({9, 9, 9}), {X_WE, box, {0, 0, 0.1}, 0.5}, 0.05)
                   .X_WE_cmd;
  }
  EXPECT_NEAR((X.translation() - Eigen::Vector3d(0, 0, 0.1)).norm(), 0.5, 1e-9);
}

// The corners of the box around the arm lie beyond the reach sphere: commands do not.
TEST(Limiter, NoCommandLeavesTheReach) {
  Rng rng(RngKey{.seed = 5});
  LimiterOptions options;
  options.max_speed = 5;
  const Eigen::Vector3d p_WB(0.1, -0.2, 0.3);
  double farthest = 0;
  for (int run = 0; run < 50; ++run) {
    Limiter limiter(options);
    Pose X = Pose::FromTranslation(p_WB + Eigen::Vector3d(0.7, 0, 0));
    limiter.Reset(X);
    Eigen::Vector3d way(1, 0, 0);
    for (int i = 0; i < 200; ++i) {
      if (rng.Uniform() < 0.1) way = {rng.Normal(), rng.Normal(), rng.Normal()};
      const Pose target = Pose::FromTranslation(p_WB + way.normalized());
      X = limiter.Limit(target, {X, DeltaLimits{}, p_WB, 0.8}, 0.05).X_WE_cmd;
      farthest = std::max(farthest, (X.translation() - p_WB).norm());
    }
  }
  EXPECT_LE(farthest, 0.8 + 1e-9);
  EXPECT_GT(farthest, 0.79);
}

// Whatever a hand does, the velocity of the command changes no faster than the limit, counted from
// the commands themselves; only standing still comes at once.
TEST(Limiter, AccelerationsAreThoseOfTheCommandsSentOn) {
  Rng rng(RngKey{.seed = 6});
  LimiterOptions options;
  options.max_acceleration = 1;
  options.max_turn_acceleration = 6;
  const DeltaLimits wide{100, 100};
  int fast = 0;
  for (int run = 0; run < 30; ++run) {
    Limiter limiter(options);
    Pose last, target;
    limiter.Reset(last);
    Eigen::Vector3d v = Eigen::Vector3d::Zero(), w = v;
    for (int i = 0; i < 200; ++i) {
      if (rng.Uniform() < 0.2) target = Near(rng, last, 0.2, 0.3);
      // as where a clutch is let go
      if (rng.Uniform() < 0.05) {
        limiter.Hold();
        v = w = Eigen::Vector3d::Zero();
        continue;
      }
      const Pose X = limiter.Limit(target, {{}, wide, {0, 0, 0}, 1e9}, 0.05).X_WE_cmd;
      const Eigen::Vector3d v_now = (X.translation() - last.translation()) / 0.05;
      const Eigen::Vector3d w_now = RotationLog(X.rotation() * last.rotation().conjugate()) / 0.05;
      if (!(X == last)) {
        ASSERT_LE((v_now - v).norm(), options.max_acceleration * 0.05 + 1e-9) << run << " " << i;
        ASSERT_LE((w_now - w).norm(), options.max_turn_acceleration * 0.05 + 1e-6) << run;
      }
      ASSERT_LE(v_now.norm(), options.max_speed + 1e-9);
      fast += v_now.norm() > 0.9 * options.max_speed;
      v = v_now;
      w = w_now;
      last = X;
    }
  }
  EXPECT_GT(fast, 100);
  // a hand that stops is reached and not passed
  Limiter limiter(options);
  limiter.Reset({});
  double x = 0, farthest = 0;
  for (int i = 0; i < 100; ++i) {
    x = std::min(0.1, x + 0.01);
    const Pose X =
        limiter.Limit(Pose::FromTranslation({x, 0, 0}), {{}, wide, {0, 0, 0}, 1e9}, 0.05).X_WE_cmd;
    farthest = std::max(farthest, X.translation().x());
  }
  EXPECT_NEAR(limiter.last().translation().x(), 0.1, 1e-6);
  EXPECT_LT(farthest, 0.1 + 1e-3);
}

TEST(OutlierGate, KnowsJumpsHoweverLongTheyLast) {
  OutlierGate gate{LimiterOptions{}};
  gate.Reset({});
  EXPECT_TRUE(gate.Accepts(Pose::FromTranslation({0.099, 0, 0})));
  EXPECT_TRUE(gate.Accepts(Pose::FromTranslation({0.19, 0, 0})));
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(gate.Accepts(Pose::FromTranslation({1, 0, 0})));
  EXPECT_FALSE(gate.Accepts(Pose::FromTranslation({0.3, 0, 0})));
  EXPECT_TRUE(gate.Accepts(Pose::FromTranslation({0.2, 0, 0})));
  EXPECT_FALSE(gate.Accepts(Pose::FromRotvec({0.9, 0, 0}, {0.2, 0, 0})));
  EXPECT_TRUE(gate.Accepts(Pose::FromRotvec({0.7, 0, 0}, {0.2, 0, 0})));
}

}  // namespace
}  // namespace understudy
