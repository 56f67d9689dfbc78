#include "core/motion/filter.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/random_pose.h"

namespace understudy {
namespace {

TEST(PoseFilterOptions, SwitchedOffItPassesEverythingOn) {
  Rng rng(RngKey{.seed = 8});
  PoseFilterOptions options;
  options.enabled = false;
  PoseFilter filter(options);
  filter.Reset(RandomPose(rng));
  for (int i = 0; i < 10; ++i) {
    const Pose X_WE = RandomPose(rng);
    EXPECT_TRUE(filter.Update(X_WE, 0.01) == X_WE);
    EXPECT_TRUE(filter.value() == X_WE);
  }
}

// Turning opens the filter of the rotation by angular_beta, and by nothing else.
TEST(PoseFilterOptions, RotationIsOpenedByItsOwnBeta) {
  const auto lag = [](double linear_beta, double angular_beta) {
    PoseFilterOptions options;
    options.linear_beta = linear_beta;
    options.angular_beta = angular_beta;
    PoseFilter filter(options);
    filter.Reset(Pose());
    const auto target = [](int step) {
      return Pose(RotationExp({0, 0, 0.02 * step}), Eigen::Vector3d::Zero());
    };
    for (int step = 1; step <= 60; ++step) filter.Update(target(step), 0.01);
    return AngleBetween(filter.value().rotation(), target(60).rotation());
  };
  EXPECT_EQ(lag(0, 4), lag(500, 4));
  EXPECT_LT(lag(0, 4), 0.7 * lag(0, 0));
}

}  // namespace
}  // namespace understudy
