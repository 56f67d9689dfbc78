#include <gtest/gtest.h>

#include "core/geometry/pose.h"
#include "tests/support/random_pose.h"

namespace understudy {
namespace {

// The rotation turns about one axis at a constant rate: what is left to turn shrinks evenly, and so
// does the way, on the line between the two.
TEST(Interpolate, LeadsStraightFromOneToTheOther) {
  Rng rng(RngKey{.seed = 21});
  for (int i = 0; i < 200; ++i) {
    const Pose X_AB0 = RandomPose(rng), X_AB1 = RandomPose(rng);
    const double turn = AngleBetween(X_AB0.rotation(), X_AB1.rotation());
    const Eigen::Vector3d way = X_AB1.translation() - X_AB0.translation();
    for (const double fraction : {0.0, 0.2, 0.5, 0.9, 1.0}) {
      const Pose X_AB = Interpolate(X_AB0, X_AB1, fraction);
      EXPECT_NEAR(AngleBetween(X_AB0.rotation(), X_AB.rotation()), fraction * turn, 1e-6);
      EXPECT_NEAR(AngleBetween(X_AB.rotation(), X_AB1.rotation()), (1 - fraction) * turn, 1e-6);
      EXPECT_LT((X_AB.translation() - X_AB0.translation() - fraction * way).norm(), 1e-12);
    }
  }
}

}  // namespace
}  // namespace understudy
