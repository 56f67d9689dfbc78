#include "teleop/clutch.h"

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/rng.h"
#include "core/motion/filter.h"
#include "teleop/frames.h"

namespace understudy {
namespace {

Pose RandomPose(Rng& rng) {
  const Eigen::Vector3d p(rng.Normal(), rng.Normal(), rng.Normal());
  return Pose::FromRotvec({rng.Normal(), rng.Normal(), rng.Normal()}, p);
}

HandInput Hand(const Pose& X_TH, double squeeze) {
  return {.good = true, .X_TH = X_TH, .squeeze = squeeze};
}

TEST(Frames, ThePointAheadAtEyeHeightIsAheadInTheWorld) {
  const Pose X_WT = TrackingInWorld({.p_WT = Eigen::Vector3d::Zero(), .yaw = 0});
  EXPECT_LT((X_WT * Eigen::Vector3d(0, 1.6, -1) - Eigen::Vector3d(1, 0, 1.6)).norm(), 1e-15);
  EXPECT_LT((X_WT * Eigen::Vector3d(1, 0, 0) - Eigen::Vector3d(0, -1, 0)).norm(), 1e-15);
  // an operator turned to the left looks along +y
  const Pose X_WT_left = TrackingInWorld({.p_WT = {2, 3, 0}, .yaw = M_PI / 2});
  EXPECT_LT((X_WT_left * Eigen::Vector3d(0, 0, -1) - Eigen::Vector3d(2, 4, 0)).norm(), 1e-15);
}

TEST(Clutch, EngagingRepeatsTheCommandBitForBitAtAnyPoseAndScale) {
  Rng rng(RngKey{.seed = 1});
  for (int i = 0; i < 300; ++i) {
    ClutchOptions options;
    options.scale = rng.Uniform(0.05, 5);
    Clutch clutch(options, RandomPose(rng).rotation());
    const Pose X_TH = RandomPose(rng), X_WE_cmd = RandomPose(rng);
    for (double squeeze : {0.0, 0.0, 0.0, 1.0}) clutch.Track(Hand(X_TH, squeeze));
    ASSERT_TRUE(clutch.pending());
    clutch.Engage(X_TH, X_WE_cmd);
    EXPECT_EQ(clutch.Target(X_TH), X_WE_cmd);
  }
}

TEST(Clutch, PositionIsScaledAndRotationIsOneToOneAboutTheWorldAxis) {
  ClutchOptions options;
  options.scale = 2;
  const Pose X_WT = TrackingInWorld({});
  Clutch clutch(options, X_WT.rotation());
  for (double squeeze : {0.0, 0.0, 0.0, 1.0}) clutch.Track(Hand({}, squeeze));
  const Pose X_WE_cmd0(Eigen::Quaterniond(0, 1, 0, 0), {0.1, 0.2, 1});
  clutch.Engage({}, X_WE_cmd0);
  // 10 cm ahead and up by 5, a turn of 0.3 rad about the operator's up
  const Pose X_WE = clutch.Target(Pose::FromRotvec({0, 0.3, 0}, {0, 0.05, -0.1}));
  EXPECT_LT((X_WE.translation() - Eigen::Vector3d(0.3, 0.2, 1.1)).norm(), 1e-12);
  const Eigen::Quaterniond turned = X_WE.rotation() * X_WE_cmd0.rotation().conjugate();
  EXPECT_LT((RotationLog(turned) - Eigen::Vector3d(0, 0, 0.3)).norm(), 1e-12);
}

TEST(Clutch, NeedsFreshSqueezeAndGoodFrames) {
  const ClutchOptions options;  // three good frames
  Clutch clutch(options, Eigen::Quaterniond::Identity());
  // squeezed from the beginning: no edge
  for (int i = 0; i < 10; ++i) clutch.Track(Hand({}, 1));
  EXPECT_FALSE(clutch.pending());
  clutch.Track(Hand({}, 0.5));  // between the thresholds: still not let go
  clutch.Track(Hand({}, 1));
  EXPECT_FALSE(clutch.pending());
  clutch.Track(Hand({}, 0.3));
  clutch.Track(Hand({}, 0.55));
  EXPECT_FALSE(clutch.pending());
  clutch.Track(Hand({}, 0.6));
  EXPECT_TRUE(clutch.pending());
  clutch.Engage({}, {});
  // one bad frame drops it, and holding on does not bring it back
  clutch.Track({});
  EXPECT_FALSE(clutch.engaged());
  for (int i = 0; i < 10; ++i) clutch.Track(Hand({}, 1));
  EXPECT_FALSE(clutch.pending());
  EXPECT_FALSE(clutch.engaged());
  // a squeeze right after regaining waits for the frames to be good
  clutch.Track({});
  clutch.Track(Hand({}, 0));
  clutch.Track(Hand({}, 1));
  EXPECT_FALSE(clutch.pending());
  clutch.Track(Hand({}, 1));
  EXPECT_TRUE(clutch.pending());
  EXPECT_EQ(clutch.engagements(), 1);
}

TEST(Clutch, RefusesToEngageUnasked) {
  Clutch clutch({}, Eigen::Quaterniond::Identity());
  EXPECT_THROW(clutch.Engage({}, {}), ContractError);
  EXPECT_THROW(clutch.Target({}), ContractError);
}

TEST(GripperSwitch, HoldsThroughLossAndDoesNotDropWhatItHolds) {
  GripperSwitch gripper{ClutchOptions{}};
  const auto look = [&](bool good, double trigger) {
    return gripper.Update({.good = good, .trigger = trigger});
  };
  EXPECT_EQ(look(true, 0), -1);
  EXPECT_EQ(look(true, 0.55), -1);
  EXPECT_EQ(look(true, 0.7), 1);
  EXPECT_EQ(look(true, 0.45), 1);  // hysteresis
  EXPECT_EQ(look(false, 0), 1);    // lost
  EXPECT_EQ(look(true, 0), 1);     // let go unseen: still closed
  EXPECT_EQ(look(true, 0.9), 1);
  EXPECT_EQ(look(true, 0.1), -1);  // a release that was seen
}

TEST(PoseFilter, RestsOnItsStateBitForBitAndIgnoresRepeatedSamples) {
  Rng rng(RngKey{.seed = 2});
  PoseFilter filter{PoseFilterOptions{}};
  for (int i = 0; i < 100; ++i) {
    const Pose X = RandomPose(rng);
    filter.Reset(X);
    for (int k = 0; k < 5; ++k) EXPECT_EQ(filter.Update(X, 0.01), X);
    const Pose far = RandomPose(rng);
    EXPECT_EQ(filter.Update(far, 0), X);
  }
}

TEST(PoseFilter, IsALowPassWhoseCutoffGrowsWithSpeed) {
  // a constant speed: the lag in seconds shrinks as speed opens the filter
  const auto lag_s = [](double speed) {
    PoseFilter filter{PoseFilterOptions{}};
    const double dt = 1 / 120.0;
    double x = 0;
    for (int i = 0; i < 600; ++i) filter.Update(Pose::FromTranslation({x += speed * dt, 0, 0}), dt);
    return (x - filter.value().translation().x()) / speed;
  };
  EXPECT_GT(lag_s(0.001), 0.03);
  EXPECT_LT(lag_s(0.3), 0.025);
  // tremor of 10 Hz and 1 mm at rest loses more than half of its size
  PoseFilter filter{PoseFilterOptions{}};
  double largest = 0;
  for (int i = 0; i < 600; ++i) {
    const double t = i / 120.0;
    filter.Update(Pose::FromTranslation({0.001 * std::sin(2 * M_PI * 10 * t), 0, 0}), 1 / 120.0);
    if (t > 2) largest = std::max(largest, std::abs(filter.value().translation().x()));
  }
  EXPECT_LT(largest, 0.0005);
}

TEST(PoseFilter, ConvergesInRotationAndStaysNormalised) {
  PoseFilter filter{PoseFilterOptions{}};
  const Pose X = Pose::FromRotvec({0, 0, 2.5}, {0, 0, 0});
  for (int i = 0; i < 5000; ++i) filter.Update(X, 0.01);
  EXPECT_LT(AngleBetween(filter.value().rotation(), X.rotation()), 1e-6);
  EXPECT_NEAR(filter.value().rotation().norm(), 1, 1e-14);
}

}  // namespace
}  // namespace understudy
