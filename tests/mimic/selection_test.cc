#include "mimic/attempt/selection.h"

#include <gtest/gtest.h>

#include <set>

#include "mimic/attempt/transform.h"

namespace understudy {
namespace {

Candidate At(const Pose& X_WO, const Pose& X_WE = Pose()) { return {X_WO, {X_WE}}; }

SelectionScene Scene(const Pose& X_WO, int symmetry = 1) {
  SelectionScene scene;
  scene.has_object = true;
  scene.X_WO = X_WO;
  scene.symmetry = symmetry;
  scene.X_WE = {Pose()};
  return scene;
}

NearestObjectSelection Nearest(int k) {
  NearestObjectSelection selection;
  selection.k = k;
  return selection;
}

TEST(Selection, TheNearestObjectIsChosen) {
  Rng rng(RngKey{.seed = 1});
  const std::vector<Candidate> candidates{At(Pose::FromTranslation({0.3, 0, 0})),
                                          At(Pose::FromTranslation({0.11, 0, 0})),
                                          At(Pose::FromTranslation({-0.2, 0, 0}))};
  const Choice choice =
      SelectSource(Nearest(1), candidates, Scene(Pose::FromTranslation({0.1, 0, 0})), rng);
  EXPECT_EQ(choice.source, 1);
  EXPECT_NEAR(choice.score, 0.1, 1e-12);  // 1 cm of a scale of 10 cm
}

TEST(Selection, ScalesWeighMetresAgainstRadians) {
  Rng rng(RngKey{.seed = 2});
  const std::vector<Candidate> candidates{At(PoseFromYaw(0.5, {0, 0, 0})),
                                          At(PoseFromYaw(0, {0.08, 0, 0}))};
  NearestObjectSelection selection = Nearest(1);
  EXPECT_EQ(SelectSource(selection, candidates, Scene(Pose()), rng).source, 0);
  selection.position_scale = 1;
  EXPECT_EQ(SelectSource(selection, candidates, Scene(Pose()), rng).source, 1);
}

TEST(Selection, SymmetricPosesAreEqualAndTheTurnSaysSo) {
  Rng rng(RngKey{.seed = 3});
  const std::vector<Candidate> candidates{At(PoseFromYaw(0.5, {0, 0, 0})),
                                          At(PoseFromYaw(M_PI / 2 + 0.1, {0, 0, 0}))};
  // without symmetry 0.5 rad is nearest; a cube is off by 0.1 only
  EXPECT_EQ(SelectSource(Nearest(1), candidates, Scene(Pose()), rng).source, 0);
  const Choice choice = SelectSource(Nearest(1), candidates, Scene(Pose(), 4), rng);
  EXPECT_EQ(choice.source, 1);
  EXPECT_NEAR(choice.turn, -M_PI / 2, 1e-12);
  EXPECT_NEAR(choice.score, 0.1, 1e-12);
}

TEST(Selection, DrawsUniformlyAmongTheKBest) {
  Rng rng(RngKey{.seed = 4});
  std::vector<Candidate> candidates;
  for (int i = 0; i < 6; ++i)
    candidates.push_back(At(Pose::FromTranslation({0.1 * (6 - i), 0, 0})));
  std::array<int, 6> count{};
  for (int i = 0; i < 900; ++i)
    ++count[SelectSource(Nearest(3), candidates, Scene(Pose()), rng).source];
  EXPECT_EQ(count[0] + count[1] + count[2], 0);
  for (int i = 3; i < 6; ++i) EXPECT_NEAR(count[i], 300, 5 * std::sqrt(200));
  // more than there are: all
  EXPECT_NO_THROW(SelectSource(Nearest(100), candidates, Scene(Pose()), rng));
}

TEST(Selection, WeightsSayHowOftenEachOfTheKBestIsDrawn) {
  Rng rng(RngKey{.seed = 14});
  std::vector<Candidate> candidates;
  for (int i = 0; i < 4; ++i) candidates.push_back(At(Pose::FromTranslation({0.1 * i, 0, 0})));
  SelectionScene scene = Scene(Pose());
  scene.weights = {0.2, 0.6, 0.2, 0.9};  // the last is never among the three best
  std::array<int, 4> count{};
  for (int i = 0; i < 2000; ++i) ++count[SelectSource(Nearest(3), candidates, scene, rng).source];
  EXPECT_NEAR(count[0], 400, 5 * std::sqrt(320));
  EXPECT_NEAR(count[1], 1200, 5 * std::sqrt(480));
  EXPECT_NEAR(count[2], 400, 5 * std::sqrt(320));
  EXPECT_EQ(count[3], 0);
}

TEST(Selection, RandomReachesEverySourceAndStillTurns) {
  Rng rng(RngKey{.seed = 5});
  const std::vector<Candidate> candidates(4, At(PoseFromYaw(M_PI / 2, {0, 0, 0})));
  std::set<int> seen;
  for (int i = 0; i < 200; ++i) {
    const Choice choice = SelectSource(RandomSelection{}, candidates, Scene(Pose(), 4), rng);
    seen.insert(choice.source);
    EXPECT_NEAR(choice.turn, -M_PI / 2, 1e-12);
  }
  EXPECT_EQ(seen.size(), 4u);
}

TEST(Selection, WithoutAnObjectNearestObjectIsRandom) {
  Rng rng(RngKey{.seed = 6});
  const std::vector<Candidate> candidates(3, At(Pose()));
  SelectionScene scene = Scene(Pose());
  scene.has_object = false;
  std::set<int> seen;
  for (int i = 0; i < 100; ++i)
    seen.insert(SelectSource(Nearest(1), candidates, scene, rng).source);
  EXPECT_EQ(seen.size(), 3u);
}

// The choice and its turn travel least of all combinations, measured after the transform.
TEST(Selection, NearestRobotTravelsLeast) {
  Rng rng(RngKey{.seed = 7});
  for (int trial = 0; trial < 100; ++trial) {
    std::vector<Candidate> candidates;
    const auto pose = [&] {
      return PoseFromYaw(rng.Uniform(-3, 3), {rng.Normal(), rng.Normal(), rng.Normal()});
    };
    for (int i = 0; i < 5; ++i) candidates.push_back(At(pose(), pose()));
    SelectionScene scene = Scene(pose(), 4);
    scene.X_WE = {pose()};
    NearestRobotSelection selection;
    selection.k = 1;
    const Choice choice = SelectSource(selection, candidates, scene, rng);
    double least = 1e9;
    const auto travel = [&](int source, double turn) {
      const Pose X =
          SegmentTransform(scene.X_WO, candidates[source].X_WO, turn)(candidates[source].X_WE[0]);
      return (X.translation() - scene.X_WE[0].translation()).norm() / 0.1 +
             AngleBetween(X.rotation(), scene.X_WE[0].rotation());
    };
    for (int i = 0; i < 5; ++i) {
      for (int k = 0; k < 4; ++k) least = std::min(least, travel(i, k * M_PI / 2));
    }
    EXPECT_NEAR(travel(choice.source, choice.turn), least, 1e-9);
    EXPECT_NEAR(choice.score, least, 1e-9);
  }
}

// A free hand may be turned by its symmetry; one that holds something may not.
TEST(Selection, FreeHandsTakeTheNearerOfTheGripsThatLookAlike) {
  Rng rng(RngKey{.seed = 8});
  const std::vector<Candidate> candidates{At(Pose(), PoseFromYaw(2.5, {0, 0, 0}))};
  SelectionScene scene = Scene(Pose());
  NearestRobotSelection by_robot;
  const auto turn_of = [&](const Selection& selection) {
    const Choice choice = SelectSource(selection, candidates, scene, rng);
    return choice.hand_turns.empty() ? 0 : choice.hand_turns[0];
  };
  EXPECT_EQ(turn_of(by_robot), 0);
  EXPECT_NEAR(SelectSource(by_robot, candidates, scene, rng).score, 2.5, 1e-12);
  scene.hand_symmetry = {2};
  for (const Selection& selection :
       {Selection(by_robot), Selection(Nearest(1)), Selection(RandomSelection{})}) {
    EXPECT_NEAR(turn_of(selection), M_PI, 1e-12);
  }
  EXPECT_NEAR(SelectSource(by_robot, candidates, scene, rng).score, M_PI - 2.5, 1e-12);
  scene.hand_symmetry = {1};
  EXPECT_EQ(turn_of(by_robot), 0);
}

// Travel is that of our hand, which may hold the object otherwise than the source's did.
TEST(Selection, TravelCountsTheChangeOfTheHand) {
  Rng rng(RngKey{.seed = 9});
  std::vector<Candidate> candidates{At(Pose(), PoseFromYaw(0, {0.1, 0, 0})),
                                    At(Pose(), PoseFromYaw(0, {0.2, 0, 0}))};
  NearestRobotSelection selection;
  selection.k = 1;
  EXPECT_EQ(SelectSource(selection, candidates, Scene(Pose()), rng).source, 0);
  candidates[0].X_SE = {Pose()};
  candidates[1].X_SE = {Pose::FromTranslation({-0.2, 0, 0})};
  const Choice choice = SelectSource(selection, candidates, Scene(Pose()), rng);
  EXPECT_EQ(choice.source, 1);
  EXPECT_NEAR(choice.score, 0, 1e-12);
}

// What the arm does not reach gives way to a turn that looks alike, then to another source.
TEST(Selection, WhatFitsWorseIsChosenOnlyWhereNothingFitsBetter) {
  const std::vector<Candidate> candidates{At(Pose(), PoseFromYaw(0, {0.1, 0, 0})),
                                          At(Pose(), PoseFromYaw(0, {0.5, 0, 0}))};
  SelectionScene scene = Scene(Pose(), 4);
  NearestRobotSelection by_robot;
  by_robot.k = 1;
  const auto choose = [&](const Selection& selection) {
    Rng rng(RngKey{.seed = 10});
    return SelectSource(selection, candidates, scene, rng);
  };
  EXPECT_EQ(choose(by_robot).source, 0);
  EXPECT_EQ(choose(by_robot).turn, 0);
  scene.fit = [](size_t source, double turn, const std::vector<double>&) {
    return source == 0 && std::abs(turn) > 1 ? Fit::kFree : Fit::kOutOfReach;
  };
  for (const Selection& selection :
       {Selection(by_robot), Selection(Nearest(1)), Selection(RandomSelection{})}) {
    EXPECT_EQ(choose(selection).source, 0);
    EXPECT_GT(std::abs(choose(selection).turn), 1);
  }
  scene.fit = [](size_t source, double, const std::vector<double>&) {
    return source == 1 ? Fit::kMeetsObject : Fit::kOutOfReach;
  };
  EXPECT_EQ(choose(by_robot).source, 1);
  scene.fit = [](size_t source, double turn, const std::vector<double>&) {
    return source == 1 && turn == 0 ? Fit::kFree : Fit::kMeetsObject;
  };
  EXPECT_EQ(choose(by_robot).source, 1) << "a finger on something else is worse than a longer way";
  EXPECT_EQ(choose(by_robot).turn, 0);
  scene.fit = [](size_t, double, const std::vector<double>&) { return Fit::kOutOfReach; };
  EXPECT_EQ(choose(by_robot).source, 0) << "nothing is reached: least travel, as ever";
}

}  // namespace
}  // namespace understudy
