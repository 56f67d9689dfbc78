#include "core/geometry/box.h"

#include <gtest/gtest.h>

#include <cmath>

namespace understudy {
namespace {

using Eigen::Vector3d;

Pose Turned(double angle, const Vector3d& axis, const Vector3d& p) {
  return Pose(Eigen::Quaterniond(Eigen::AngleAxisd(angle, axis.normalized())), p);
}

TEST(BoxGap, IsTheDistanceOfFacesThatLookAtEachOther) {
  const Box a{Pose(), {0.1, 0.2, 0.3}};
  EXPECT_NEAR(BoxGap(a, {Pose::FromTranslation({0.5, 0, 0}), {0.1, 0.1, 0.1}}), 0.3, 1e-12);
  EXPECT_NEAR(BoxGap(a, {Pose::FromTranslation({0, 0, -0.45}), {0.1, 0.1, 0.1}}), 0.05, 1e-12);
  EXPECT_NEAR(BoxGap(a, {Pose::FromTranslation({0.19, 0, 0}), {0.1, 0.1, 0.1}}), -0.01, 1e-12);
}

// Crossed sticks: only a way across both of them parts them.
TEST(BoxGap, LooksAcrossEdgesToo) {
  const double half = 0.01 * std::sqrt(2);  // of a stick on its edge
  const Box a{Turned(M_PI / 4, Vector3d::UnitX(), Vector3d::Zero()), {1, 0.01, 0.01}};
  const auto above = [&](double z) {
    return Box{Turned(M_PI / 4, Vector3d::UnitY(), {0, 0, z}), {0.01, 1, 0.01}};
  };
  EXPECT_NEAR(BoxGap(a, above(2 * half + 0.004)), 0.004, 1e-9);
  EXPECT_LT(BoxGap(a, above(2 * half - 0.004)), 0);
}

// Laws: the same for either first, and wherever both are moved together; boxes that share a point
// are never apart, and what is apart shares none.
TEST(BoxGap, KeepsItsLaws) {
  int apart = 0, meeting = 0;
  for (int i = 0; i < 300; ++i) {
    const auto wave = [&](double k) { return std::sin(k * i + k); };
    const Box a{Turned(3 * wave(1.1), {wave(2), 0.3, wave(3)}, Vector3d::Zero()),
                {0.1 + 0.05 * wave(5), 0.1, 0.05}};
    const Box b{Turned(3 * wave(1.7), {0.2, wave(7), wave(11)},
                       0.2 * Vector3d(wave(13), wave(17), wave(19))),
                {0.05, 0.08 + 0.05 * wave(23), 0.1}};
    const double gap = BoxGap(a, b);
    EXPECT_NEAR(BoxGap(b, a), gap, 1e-12);
    const Pose X_WN = Turned(wave(29) * 3, {1, wave(31), 2}, {1, -2, wave(37)});
    EXPECT_NEAR(BoxGap({X_WN * a.X_WB, a.half}, {X_WN * b.X_WB, b.half}), gap, 1e-9);
    bool shares = false;  // a point of a grid in b that lies in a
    const Pose X_AB = a.X_WB.Inverse() * b.X_WB;
    for (int n = 0; n < 11 * 11 * 11; ++n) {
      const Vector3d share(n % 11 / 5.0 - 1, n / 11 % 11 / 5.0 - 1, n / 121 / 5.0 - 1);
      const Vector3d p_AP = X_AB * share.cwiseProduct(b.half);
      shares |= (p_AP.cwiseAbs() - a.half).maxCoeff() <= 0;
    }
    if (shares) {
      EXPECT_LE(gap, 0) << i;
    }
    apart += gap > 0;
    meeting += shares;
  }
  EXPECT_GT(apart, 50);
  EXPECT_GT(meeting, 50);
}

// Every corner lies within the bounds, and on each of their faces lies one.
TEST(BoundsOf, FitTheCorners) {
  const Box box{Pose(RotationExp({0.4, -0.7, 1.1}), {0.1, -0.2, 0.3}), {0.3, 0.2, 0.05}};
  Eigen::AlignedBox3d corners;
  for (int i = 0; i < 8; ++i) {
    const Eigen::Vector3d sign(i & 1 ? 1 : -1, i & 2 ? 1 : -1, i & 4 ? 1 : -1);
    corners.extend(box.X_WB * sign.cwiseProduct(box.half));
  }
  const Eigen::AlignedBox3d bounds = BoundsOf(box);
  EXPECT_TRUE(bounds.min().isApprox(corners.min(), 1e-12));
  EXPECT_TRUE(bounds.max().isApprox(corners.max(), 1e-12));
}

}  // namespace
}  // namespace understudy
