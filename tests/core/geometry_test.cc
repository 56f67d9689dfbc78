#include <gtest/gtest.h>

#include <numbers>

#include "core/base/rng.h"
#include "core/geometry/pose.h"

namespace understudy {
namespace {

Pose TurnedPose(Rng& rng) {
  const Eigen::Vector3d w(rng.Uniform(-2, 2), rng.Uniform(-2, 2), rng.Uniform(-2, 2));
  return Pose::FromRotvec(w, {rng.Uniform(-1, 1), rng.Uniform(-1, 1), rng.Uniform(-1, 1)});
}

double Difference(const Pose& a, const Pose& b) {
  return (a.translation() - b.translation()).norm() + AngleBetween(a.rotation(), b.rotation());
}

// A rule of groups, tried on many random elements.
template <class Law>
void ForManyPoses(const Law& law) {
  Rng rng(RngKey{.seed = 7});
  for (int trial = 0; trial < 1000; ++trial) law(TurnedPose(rng), TurnedPose(rng), TurnedPose(rng));
}

TEST(Pose, InverseCancels) {
  ForManyPoses([](const Pose& X_AB, const Pose&, const Pose&) {
    EXPECT_LT(Difference(X_AB * X_AB.Inverse(), Pose()), 1e-12);
    EXPECT_LT(Difference(X_AB.Inverse() * X_AB, Pose()), 1e-12);
  });
}

TEST(Pose, CompositionIsAssociativeAndActsOnPoints) {
  ForManyPoses([](const Pose& X_AB, const Pose& X_BC, const Pose& X_CD) {
    EXPECT_LT(Difference((X_AB * X_BC) * X_CD, X_AB * (X_BC * X_CD)), 1e-12);
    const Eigen::Vector3d p_CP = X_CD.translation();
    EXPECT_LT(((X_AB * X_BC) * p_CP - X_AB * (X_BC * p_CP)).norm(), 1e-12);
  });
}

TEST(Pose, ExpAndLogAreInverse) {
  ForManyPoses([](const Pose& X, const Pose&, const Pose&) {
    EXPECT_LT(Difference(PoseExp(PoseLog(X)), X), 1e-9);
  });
  // at pi the axis is right up to its sign
  const Eigen::Vector3d half_turn(std::numbers::pi, 0, 0);
  const Eigen::Vector3d back = RotationLog(RotationExp(half_turn));
  EXPECT_NEAR(std::abs(back.x()), std::numbers::pi, 1e-9);
  EXPECT_NEAR(back.tail<2>().norm(), 0, 1e-9);
  // tiny turns keep their digits
  const Eigen::Vector3d tiny(1e-12, -2e-12, 3e-12);
  EXPECT_LT((RotationLog(RotationExp(tiny)) - tiny).norm(), 1e-24);
}

TEST(Pose, MatrixRoundTrip) {
  ForManyPoses([](const Pose& X, const Pose&, const Pose&) {
    EXPECT_LT(Difference(Pose::FromMatrix(X.Matrix()), X), 1e-7);
  });
}

TEST(Pose, InterpolationTakesTheShorterArc) {
  const Pose X_AB0 = PoseFromYaw(3.0, {0, 0, 0});
  const Pose X_AB1 = PoseFromYaw(-3.0, {1, 2, 3});
  EXPECT_EQ(Interpolate(X_AB0, X_AB1, 0), X_AB0);
  EXPECT_EQ(Interpolate(X_AB0, X_AB1, 1), X_AB1);
  const Pose middle = Interpolate(X_AB0, X_AB1, 0.5);
  EXPECT_LT(AngleBetween(middle.rotation(), RotationExp({0, 0, std::numbers::pi})), 1e-9);
  EXPECT_LT((middle.translation() - Eigen::Vector3d(0.5, 1, 1.5)).norm(), 1e-12);
}

TEST(Pose, StoringKeepsBits) {
  ForManyPoses([](const Pose& X, const Pose&, const Pose&) {
    EXPECT_EQ(Pose(X.rotation(), X.translation()), X);
  });
}

}  // namespace
}  // namespace understudy
