#include "mimic/clearance.h"

#include <gtest/gtest.h>

#include <cmath>

namespace understudy {
namespace {

// Two fingers that stand 4 cm to either side of E.
std::vector<Eigen::AlignedBox3d> Fingers() {
  return {{Eigen::Vector3d(0.04, -0.01, -0.05), Eigen::Vector3d(0.06, 0.01, 0.01)},
          {Eigen::Vector3d(-0.06, -0.01, -0.05), Eigen::Vector3d(-0.04, 0.01, 0.01)}};
}

TEST(Clearance, AFingerMeetsWhatStandsBesideTheHandAndNotWhatStandsBetween) {
  const std::vector<Eigen::AlignedBox3d> fingers = Fingers();
  const auto meets = [&](const Eigen::Vector3d& p_WO) {
    return FingersMeet(fingers, Pose(), {p_WO, 0.03});
  };
  EXPECT_FALSE(meets({0, 0, 0})) << "what is grasped";
  EXPECT_TRUE(meets({0.05, 0, 0})) << "inside a finger";
  EXPECT_TRUE(meets({0.089, 0, 0}));
  EXPECT_FALSE(meets({0.091, 0, 0}));
  EXPECT_TRUE(meets({-0.05, 0.039, 0}));
  EXPECT_FALSE(meets({-0.05, 0.041, 0}));
  EXPECT_FALSE(meets({0.08, 0.035, 0})) << "past its corner";
  EXPECT_FALSE(meets({0.05, 0, 0.041})) << "deeper than the fingers go";
  EXPECT_FALSE(FingersMeet({}, Pose(), {{0.05, 0, 0}, 0.03})) << "fingers that nobody knows";
}

// Hand and object moved together: nothing changes.
TEST(Clearance, DependsOnWhereTheObjectIsInTheHandOnly) {
  const Pose X_WN(Eigen::Quaterniond(Eigen::AngleAxisd(2, Eigen::Vector3d(1, 2, 3).normalized())),
                  Eigen::Vector3d(0.3, -0.2, 0.9));
  for (int i = 0; i < 200; ++i) {
    const Eigen::Vector3d p_EO(0.1 * std::sin(i), 0.05 * std::sin(2.7 * i), 0.05 * std::cos(i));
    EXPECT_EQ(FingersMeet(Fingers(), X_WN, {X_WN * p_EO, 0.02}),
              FingersMeet(Fingers(), Pose(), {p_EO, 0.02}));
  }
}

}  // namespace
}  // namespace understudy
