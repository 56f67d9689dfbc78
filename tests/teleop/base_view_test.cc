#include "teleop/base_view.h"

#include <gtest/gtest.h>

#include <cmath>

namespace understudy {
namespace {

// Hands that hold their sticks for a second.
BaseView After(const OperatorPlacement& placement, Eigen::Vector2d left, Eigen::Vector2d right,
               bool held = false, const Pose& X_THead = {}) {
  BaseView view(placement);
  RawSample sample;
  sample.head_tracking = 15;
  sample.X_THead = X_THead;
  for (RawHand& hand : sample.hands) hand.active = true;
  view.Follow(sample, held);
  for (int i = 1; i <= 100; ++i) {
    sample.monotonic_ns = i * 10'000'000;
    sample.hands[0].stick_x = static_cast<float>(left.x());
    sample.hands[0].stick_y = static_cast<float>(left.y());
    sample.hands[1].stick_x = static_cast<float>(right.x());
    sample.hands[1].stick_y = static_cast<float>(right.y());
    view.Follow(sample, held);
  }
  return view;
}

TEST(BaseView, MovesWhereTheOperatorLooks) {
  const OperatorPlacement origin{.p_WT = {-1, 0, 0}, .yaw = 0};
  const auto moved = [&](Eigen::Vector2d left, Eigen::Vector2d right) {
    return Eigen::Vector3d(After(origin, left, right).placement().p_WT - origin.p_WT);
  };
  EXPECT_LT((moved({0, 1}, {0, 0}) - Eigen::Vector3d(0.5, 0, 0)).norm(), 1e-9);
  EXPECT_LT((moved({1, 0}, {0, 0}) - Eigen::Vector3d(0, -0.5, 0)).norm(), 1e-9);
  EXPECT_LT((moved({0, 0}, {0, -1}) - Eigen::Vector3d(0, 0, -0.25)).norm(), 1e-9);
  // one who looks along +y walks along +y
  const OperatorPlacement left{.p_WT = {0, 0, 0}, .yaw = M_PI / 2};
  EXPECT_LT((After(left, {0, 1}, {0, 0}).placement().p_WT - Eigen::Vector3d(0, 0.5, 0)).norm(),
            1e-9);
}

TEST(BaseView, TurnsAboutTheHeadOncePerPush) {
  const OperatorPlacement origin{.p_WT = {-1, 0, 0}, .yaw = 0};
  const Pose X_THead = Pose::FromTranslation({0.4, 1.6, 0.3});
  for (const double side : {-1.0, 1.0}) {
    const OperatorPlacement now = After(origin, {0, 0}, {side, 0}, false, X_THead).placement();
    EXPECT_NEAR(now.yaw, -side * M_PI / 8, 1e-12);
    const Eigen::Vector3d before = TrackingInWorld(origin) * X_THead.translation();
    EXPECT_LT((TrackingInWorld(now) * X_THead.translation() - before).norm(), 1e-12);
  }
}

TEST(BaseView, StaysWhereAHandHoldsAnArmOrTheStickIsNone) {
  const OperatorPlacement origin{.p_WT = {-1, 0, 0}, .yaw = 0.3};
  EXPECT_EQ(After(origin, {1, 1}, {1, 1}, true).placement(), origin);
  EXPECT_EQ(After(origin, {0.15, -0.15}, {0.1, 0.15}).placement(), origin);
  EXPECT_EQ(After(origin, {NAN, INFINITY}, {NAN, 1e30}).placement(), origin);
  // a push that began while an arm was held turns nothing after it
  BaseView view(origin);
  RawSample sample;
  sample.hands[1].active = true;
  view.Follow(sample, false);
  sample.hands[1].stick_x = 1;
  view.Follow(sample, true);
  EXPECT_FALSE(view.Follow(sample, false));
  EXPECT_EQ(view.placement(), origin);
}

}  // namespace
}  // namespace understudy
