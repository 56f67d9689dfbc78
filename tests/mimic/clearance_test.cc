#include "mimic/attempt/clearance.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "tests/mimic/fixture.h"

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

// A cube may be grasped from four sides: the neighbour stands in the way of half of them at most,
// unless it stands across a corner.
TEST(Clearance, AttemptsKeepTheirFingersClearOfTheNeighbour) {
  const TaskSpec task = FakeTask();
  const SourceSet sources = FakeSources(task);
  const std::vector<Eigen::AlignedBox3d> fingers = Fingers();
  const auto meetings = [&](const FakeOptions& fake) {
    int count = 0;
    for (int64_t i = 0; i < 200; ++i) {
      const std::unique_ptr<Simulator> simulator = MakeFakeSimulator(task, fake);
      const Attempt attempt = Generate(sources, task, *simulator, "D0", {}, AttemptKey(1, i, "D0"));
      for (size_t t = 1; t < attempt.episode.length(); ++t) {
        const Step& row = attempt.episode.steps[t];
        if (row.subtask != 0 || row.action.arms[0].gripper <= 0) continue;
        count +=
            FingersMeet(fingers, row.observation.arms[0].X_WE,
                        {row.observation.X_WO[1].translation(), task.objects.at("cubeB").radius});
        break;
      }
    }
    return count;
  };
  FakeOptions known;
  known.open_fingers_E = fingers;
  const int blind = meetings({}), seeing = meetings(known);
  EXPECT_GE(blind, 20);
  EXPECT_LE(seeing, blind / 4) << "of " << blind;
}

// Only the way to the grasp must be free: closed fingers, a hand that holds something and an arm
// that has no part in the rows may pass the neighbour.
TEST(Clearance, FingersStayFreeUntilTheyClose) {
  SourceDemo demo;
  demo.arms.resize(1);
  demo.arms[0].gripper = {-1, -1, 1, 1};
  const auto free_if_near = [&](int near, const Carried& carried = {}, int arm = kAllArms) {
    demo.arms[0].X_WE.assign(4, Pose::FromTranslation({0, 0, 1}));
    demo.arms[0].X_WE[static_cast<size_t>(near)] = Pose();
    const SegmentRows rows{.demo = demo, .start = 0, .end = 4, .arm = arm};
    return FingersStayFree(rows, {carried}, Fingers(), {{{0.05, 0, 0}, 0.03}});
  };
  EXPECT_FALSE(free_if_near(0));
  EXPECT_FALSE(free_if_near(1));
  EXPECT_TRUE(free_if_near(2));
  EXPECT_TRUE(free_if_near(3));
  EXPECT_TRUE(free_if_near(1, {.object = 0}));
  EXPECT_TRUE(free_if_near(1, {}, 1));
}

// The palm counts as the fingers do, until the hand closes.
TEST(Clearance, AHandKeepsAGapFromPartsUntilItCloses) {
  SourceDemo demo;
  demo.arms.resize(1);
  demo.arms[0].gripper = {-1, -1, 1};
  const std::vector<Box> hand{{Pose::FromTranslation({0, 0, -0.07}), {0.1, 0.03, 0.03}}};
  const auto gap_if_near = [&](int near, const std::vector<Box>& parts,
                               const Carried& carried = {}) {
    demo.arms[0].X_WE.assign(3, Pose::FromTranslation({0, 0, 1}));
    demo.arms[0].X_WE[static_cast<size_t>(near)] = Pose();
    return HandGap({.demo = demo, .start = 0, .end = 3}, {carried}, hand, parts);
  };
  // a knob beside the palm, 5 mm away across it
  const Box knob{Pose::FromTranslation({0.05, 0.055, -0.05}), {0.01, 0.02, 0.02}};
  EXPECT_NEAR(gap_if_near(1, {knob}), 0.005, 1e-12);
  EXPECT_NEAR(gap_if_near(1, {{knob.X_WB, {0.01, 0.04, 0.02}}}), -0.015, 1e-12);
  EXPECT_EQ(gap_if_near(2, {knob}), kWideGap) << "the hand has closed";
  EXPECT_EQ(gap_if_near(1, {knob}, {.object = 0}), kWideGap) << "the hand holds something";
  EXPECT_EQ(gap_if_near(1, {}), kWideGap);
}

}  // namespace
}  // namespace understudy
