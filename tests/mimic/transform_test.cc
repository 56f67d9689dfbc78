#include "mimic/attempt/transform.h"

#include <gtest/gtest.h>

#include "tests/support/random_pose.h"

namespace understudy {
namespace {

void ExpectNear(const Pose& a, const Pose& b, double tolerance = 1e-12) {
  EXPECT_LT((a.translation() - b.translation()).norm(), tolerance);
  EXPECT_LT(AngleBetween(a.rotation(), b.rotation()), tolerance);
}

TEST(SegmentTransform, ObjectNotMovedReproducesTheSourceBitForBit) {
  Rng rng(RngKey{.seed = 1});
  for (int i = 0; i < 1000; ++i) {
    const Pose X_WO = RandomPose(rng), X_WE = RandomPose(rng);
    EXPECT_TRUE(SegmentTransform(X_WO, X_WO, 0)(X_WE) == X_WE);
    EXPECT_TRUE(SegmentTransform()(X_WE) == X_WE);
  }
}

TEST(SegmentTransform, KeepsThePoseRelativeToTheObject) {
  Rng rng(RngKey{.seed = 2});
  for (int i = 0; i < 1000; ++i) {
    const Pose X_WO_now = RandomPose(rng), X_WO_src = RandomPose(rng), X_WE = RandomPose(rng);
    const Pose X_WE_new = SegmentTransform(X_WO_now, X_WO_src, 0)(X_WE);
    ExpectNear(X_WO_now.Inverse() * X_WE_new, X_WO_src.Inverse() * X_WE);
  }
}

TEST(SegmentTransform, MovingTheWorldMovesTheResult) {
  Rng rng(RngKey{.seed = 3});
  for (int i = 0; i < 1000; ++i) {
    const Pose X_M = RandomPose(rng), X_now = RandomPose(rng), X_src = RandomPose(rng);
    const Pose X_WE = RandomPose(rng);
    const double turn = rng.Uniform(-3, 3);
    ExpectNear(SegmentTransform(X_M * X_now, X_src, turn)(X_WE),
               X_M * SegmentTransform(X_now, X_src, turn)(X_WE));
  }
}

// Turning the source's object by a symmetry, and telling so, is the same as another source.
TEST(SegmentTransform, TurnMeansATurnedSourceObject) {
  Rng rng(RngKey{.seed = 4});
  const Pose X_now = RandomPose(rng), X_src = RandomPose(rng), X_WE = RandomPose(rng);
  ExpectNear(SegmentTransform(X_now, X_src, 0.7)(X_WE),
             SegmentTransform(X_now, X_src * SymmetricTurn(0.7), 0)(X_WE));
}

// The law of a changed grasp: our hand brings the object where the source's hand brought it, up to
// a turn that leaves it alike, and of those the one that leaves the hands nearest.
TEST(HandChange, BringsTheHeldObjectWhereTheSourceBroughtIt) {
  Rng rng(RngKey{.seed = 8});
  for (const int order : {1, 2, 4, 0}) {
    for (int i = 0; i < 200; ++i) {
      const Pose X_SH = RandomPose(rng), X_EH = RandomPose(rng), X_WS = RandomPose(rng);
      const Pose X_SE = HandChange(X_SH, X_EH, order);
      const Pose X_SH_ours = X_SE * X_EH;
      EXPECT_LT((X_SH_ours.translation() - X_SH.translation()).norm(), 1e-12);
      const Pose turn = X_SH.Inverse() * X_SH_ours;
      const double yaw = 2 * std::atan2(turn.rotation().z(), turn.rotation().w());
      ExpectNear(Pose(turn.rotation(), {0, 0, 0}), SymmetricTurn(yaw), 1e-9);
      if (order > 0) {
        EXPECT_NEAR(std::remainder(yaw * order, 2 * M_PI), 0, 1e-9);
      }
      // no other turn of the object leaves the hands nearer
      for (int k = 1; k < order; ++k) {
        const Pose other = X_SH * SymmetricTurn(yaw + 2 * M_PI * k / order) * X_EH.Inverse();
        EXPECT_LE(AngleBetween(X_SE.rotation(), Eigen::Quaterniond::Identity()),
                  AngleBetween(other.rotation(), Eigen::Quaterniond::Identity()) + 1e-9);
      }
      ExpectNear(X_WS * X_SE * X_EH, X_WS * X_SH * turn);
    }
  }
}

TEST(HandChange, TheSameGraspChangesNothing) {
  Rng rng(RngKey{.seed = 9});
  for (const int order : {1, 4, 0}) {
    const Pose X_SH = RandomPose(rng);
    ExpectNear(HandChange(X_SH, X_SH, order), Pose());
    // nor does a grasp of another of the sides that look alike
    if (order == 4) {
      ExpectNear(HandChange(X_SH, X_SH * SymmetricTurn(M_PI / 2), order), Pose());
    }
  }
}

TEST(BestTurn, IsTheBestOfAllSymmetricTurns) {
  Rng rng(RngKey{.seed = 5});
  for (int order : {1, 2, 3, 4, 6}) {
    for (int i = 0; i < 300; ++i) {
      const Pose X_src = RandomPose(rng), X_now = RandomPose(rng);
      const auto angle = [&](double turn) {
        return AngleBetween((X_src * SymmetricTurn(turn)).rotation(), X_now.rotation());
      };
      double best = 10;
      for (int k = 0; k < order; ++k) best = std::min(best, angle(2 * M_PI * k / order));
      const double turn = BestTurn(X_src, X_now, order);
      EXPECT_NEAR(angle(turn), best, 1e-9);
      // it is one of the symmetry's turns
      EXPECT_NEAR(std::remainder(turn * order, 2 * M_PI), 0, 1e-9);
      EXPECT_TRUE(turn > -M_PI && turn <= M_PI);
    }
  }
}

TEST(BestTurn, ARoundObjectIsTurnedToMatch) {
  for (double yaw = -3; yaw < 3; yaw += 0.1) {
    const Pose X_src = PoseFromYaw(0.3, {0, 0, 0}), X_now = PoseFromYaw(0.3 + yaw, {1, 2, 3});
    EXPECT_NEAR(BestTurn(X_src, X_now, 0), yaw, 1e-12);
  }
}

TEST(BestTurn, LeavesAnObjectThatDidNotTurnAlone) {
  Rng rng(RngKey{.seed = 6});
  for (int i = 0; i < 100; ++i) {
    const Pose X_WO = RandomPose(rng);
    EXPECT_EQ(BestTurn(X_WO, X_WO, 4), 0);
  }
}

}  // namespace
}  // namespace understudy
