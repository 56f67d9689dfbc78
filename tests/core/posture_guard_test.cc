#include "core/motion/posture_guard.h"

#include <gtest/gtest.h>

#include "core/base/rng.h"
#include "core/motion/limiter.h"
#include "tests/support/six_joints.h"

namespace understudy {
namespace {

using Eigen::Vector3d;
using Eigen::VectorXd;

constexpr double kDt = 0.05;

// An arm that follows every command at once.
struct Led {
  explicit Led(const PostureOptions& options = {}) : guard(options, arm) {
    q = SixJoints::Bent();
    X = arm->Forward(q);
  }
  PostureGuard::Share Move(const Vector3d& step, const Vector3d& turn) {
    const PostureGuard::Share share = guard.Allow(q, X, step, turn, kDt);
    X = Pose(RotationExp(share.angular * turn) * X.rotation(),
             X.translation() + share.linear * step);
    q = arm->Follow(X, q);
    return share;
  }
  std::shared_ptr<SixJoints> arm = std::make_shared<SixJoints>();
  PostureGuard guard;
  VectorXd q;
  Pose X;
};

TEST(PostureGuard, LeavesEveryStepAloneWhereNothingIsNear) {
  Rng rng(RngKey{.seed = 1});
  Led led;
  for (int i = 0; i < 500; ++i) {
    const Vector3d step(rng.Normal(), rng.Normal(), rng.Normal());
    const Vector3d turn(rng.Normal(), rng.Normal(), rng.Normal());
    const PostureGuard::Share share =
        led.guard.Allow(led.q, led.X, 0.005 * step.normalized(), 0.02 * turn, kDt);
    ASSERT_EQ(share.linear, 1);
    ASSERT_EQ(share.angular, 1);
  }
}

// A singular posture asks for nothing: no end is predicted to be near that is not.
TEST(PostureGuard, ASingularPostureIsPassed) {
  Led led;
  led.q[4] = 0;  // two of the wrist's axes in one line
  led.X = led.arm->Forward(led.q);
  for (int i = 0; i < 6; ++i) {
    const Vector3d axis = Vector3d::Unit(i % 3);
    const PostureGuard::Share share =
        led.guard.Allow(led.q, led.X, i < 3 ? Vector3d(0.0125 * axis) : Vector3d::Zero(),
                        i < 3 ? Vector3d::Zero() : Vector3d(0.02 * axis), kDt);
    EXPECT_EQ(share.linear, 1) << i;
    EXPECT_EQ(share.angular, 1) << i;
  }
}

// However long the hand pulls, the joint does not reach its end; away from there nothing is slow.
TEST(PostureGuard, AJointSlowsTowardsItsEndAndHolds) {
  for (const int joint : {0, 1, 2}) {
    for (const double sign : {-1.0, 1.0}) {
      Led led;
      const double end = led.q[joint] + sign * 0.25;
      (sign > 0 ? led.arm->upper_ : led.arm->lower_)[joint] = end;
      const auto room = [&] { return sign * (end - led.q[joint]); };
      // the way of E that this joint alone makes
      const auto pull = [&](double by) {
        const VectorXd way = by * led.arm->Jacobian(led.q).col(joint);
        return led.Move(way.head<3>(), way.tail<3>());
      };
      double least = 1;
      for (int k = 0; k < 200; ++k) {
        least = std::min(least, pull(sign * 0.02).linear);
        ASSERT_GT(room(), 0.45 * PostureOptions{}.limit_margin) << joint << " " << k;
      }
      EXPECT_LT(room(), 0.55 * PostureOptions{}.limit_margin) << joint;
      EXPECT_LT(least, 0.05) << joint;
      const PostureGuard::Share back = pull(-sign * 0.02);
      EXPECT_EQ(back.linear, 1) << joint;
      EXPECT_EQ(back.angular, 1) << joint;
    }
  }
}

// A wrist that can turn no further keeps the hand from turning, not from moving.
TEST(PostureGuard, ATurnThatCannotBeMadeDoesNotHoldTheHand) {
  Led led;
  led.arm->upper_[5] = led.q[5] + 0.51 * PostureOptions{}.limit_margin;
  const Vector3d axis = led.arm->Jacobian(led.q).col(5).tail<3>();
  const PostureGuard::Share share = led.guard.Allow(led.q, led.X, {0, 0, -0.01}, 0.05 * axis, kDt);
  EXPECT_EQ(share.linear, 1);
  EXPECT_LT(share.angular, 0.1);
}

// The limiter says that it holds, and measures from what it sent on.
TEST(PostureGuard, TheLimiterFlagsWhatItShortens) {
  Led led;
  led.arm->upper_[0] = led.q[0] + 0.8 * PostureOptions{}.limit_margin;
  Limiter limiter{LimiterOptions{}};
  limiter.Reset(led.X);
  const VectorXd way = 0.02 * led.arm->Jacobian(led.q).col(0);
  const Pose target(RotationExp(way.tail<3>()) * led.X.rotation(),
                    led.X.translation() + way.head<3>());
  const ArmBounds bounds{led.X, DeltaLimits{}, Vector3d::Zero(), 1e9, &led.guard, &led.q};
  const LimitedTarget out = limiter.Limit(target, bounds, kDt);
  EXPECT_TRUE(out.linear_clamped);
  const double moved = (out.X_WE_cmd.translation() - led.X.translation()).norm();
  EXPECT_GT(moved, 0);
  EXPECT_LT(moved, 0.8 * LimiterOptions{}.max_speed * kDt);
  EXPECT_EQ(limiter.last(), out.X_WE_cmd);
}

}  // namespace
}  // namespace understudy
