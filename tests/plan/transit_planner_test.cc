#include "mimic/plan/transit_planner.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>

#include "core/base/error.h"
#include "core/base/json.h"
#include "sim/kinematics.h"
#include "sim/state_validity.h"
#include "tests/sim/sim_fixture.h"
#include "tests/support/own_folder.h"

namespace understudy {
namespace {

using Eigen::Vector3d;
using Eigen::VectorXd;
using testing::HasSubstr;

// The stack task with a wall across the table, between where things start on its two sides.
std::shared_ptr<const Scene> WalledScene(double height) {
  TaskSpec task = LoadTaskSpec("stack", kTaskRoot);
  const OwnFolder folder;
  std::string text = ReadText(task.folder / task.scene);
  const std::string wall = fmt::format(
      "<body name=\"wall\" pos=\"0 0 0.8\"><geom type=\"box\" size=\"0.4 0.01 {}\" "
      "pos=\"0 0 {}\"/></body></worldbody>",
      height / 2, height / 2);
  text.replace(text.find("</worldbody>"), 12, wall);
  // what the scene includes stands beside where it was
  const std::string include = "../shared/";
  for (size_t at = 0; (at = text.find(include, at)) != std::string::npos; at += include.size()) {
    text.replace(at, include.size(), (kTaskRoot / "shared").string() + "/");
  }
  std::ofstream(folder / "scene.xml") << text;
  task.folder = folder.path();
  task.scene = "scene.xml";
  ResetVariant& start = task.variants.at("D0");
  start.objects["cubeA"] = {.x = {0, 0}, .y = {-0.15, -0.15}, .z = 0.02, .yaw = {0, 0}};
  start.objects["cubeB"] = {.x = {0, 0}, .y = {0.15, 0.15}, .z = 0.025, .yaw = {0, 0}};
  return CompileTask(task);
}

class TransitPlannerTest : public SimTest {
 protected:
  void Use(std::shared_ptr<const Scene> scene) {
    scene_ = std::move(scene);
    simulator_ = MakeSimulator(scene_);
    simulator_->Reset("D0", RngKey{.seed = 1});
    kinematics_ = MakeKinematics(scene_);
    validity_ = MakeStateValidity(scene_);
  }
  std::unique_ptr<TransitPlanner> Planner(const TransitPlannerOptions& options = {}) const {
    return MakeTransitPlanner(MakeKinematics(scene_), MakeStateValidity(scene_), options);
  }
  TransitRequest To(const Pose& X_WE, int held = -1, uint64_t seed = 1) const {
    TransitRequest request;
    request.state = simulator_->Save();
    request.q = simulator_->Observe().arms[0].joint_q;
    request.held = held;
    request.X_WE_goals = {X_WE};
    request.key = RngKey{.seed = seed};
    return request;
  }
  // Follows a way as the controller does, each posture from the one before, and looks at it finely.
  void ExpectFree(const PlannedTransit& way, const TransitRequest& request) {
    ASSERT_FALSE(way.cause) << way.detail;
    ASSERT_GE(way.X_WE.size(), 2u);
    EXPECT_LT(
        (way.X_WE.front().translation() - kinematics_->Forward(request.q).translation()).norm(),
        1e-9);
    EXPECT_EQ(way.X_WE.back(), request.X_WE_goals.at(way.goal));
    // a third of the margin covers what lies between two looks
    validity_->SetWorld(request.state, request.held, request.margin / 3);
    validity_->Admit(request.q, 0.05);
    VectorXd q = request.q;
    for (size_t i = 1; i < way.X_WE.size(); ++i) {
      const double distance = (way.X_WE[i].translation() - way.X_WE[i - 1].translation()).norm();
      const double angle = AngleBetween(way.X_WE[i].rotation(), way.X_WE[i - 1].rotation());
      const int pieces = 1 + static_cast<int>(std::max(distance / 0.002, angle / 0.01));
      for (int k = 1; k <= pieces; ++k) {
        const auto next = kinematics_->Solve(
            Interpolate(way.X_WE[i - 1], way.X_WE[i], static_cast<double>(k) / pieces), q);
        ASSERT_TRUE(next.has_value());
        q = next->q;
        ASSERT_TRUE(validity_->Valid(q)) << i << ": " << validity_->Nearest(q);
      }
    }
  }
  static double Highest(const PlannedTransit& way) {
    double z = 0;
    for (const Pose& X_WE : way.X_WE) z = std::max(z, X_WE.translation().z());
    return z;
  }

  std::shared_ptr<const Scene> scene_;
  std::unique_ptr<Simulator> simulator_;
  std::unique_ptr<Kinematics> kinematics_;
  std::unique_ptr<StateValidity> validity_;
};

TEST_F(TransitPlannerTest, StraightWhereThatIsFree) {
  Use(StackScene());
  const TransitRequest request = To(FingersDown(1.2, {0.05, 0.1, 0.95}));
  const PlannedTransit way = Planner()->Plan(request);
  ExpectFree(way, request);
  EXPECT_EQ(way.X_WE.size(), 2u);
}

// From one side of the wall to the other, low at both ends.
TEST_F(TransitPlannerTest, AroundWhatStandsInTheWay) {
  Use(WalledScene(0.12));
  Script script(*simulator_);
  script.MoveTo(FingersDown(1.5, {-0.05, -0.15, 0.86}), -1);
  script.Wait(-1, 10);
  for (uint64_t seed = 0; seed < 5; ++seed) {
    const TransitRequest request = To(FingersDown(1.5, {-0.05, 0.15, 0.86}), -1, seed);
    const PlannedTransit way = Planner()->Plan(request);
    ExpectFree(way, request);
    EXPECT_GT(Highest(way), 0.92) << "over the wall";
  }
}

// What the hand holds goes over the wall as well: the same hand without it may go lower.
TEST_F(TransitPlannerTest, WhatIsHeldIsNotDraggedThroughIt) {
  Use(WalledScene(0.12));
  Script script(*simulator_);
  PickCubeA(*simulator_, script);
  ASSERT_GT(simulator_->Observe().X_WO[0].translation().z(), 0.88);
  // straight across at a height at which the fingers pass and the cube does not
  const Pose X_WE = simulator_->Observe().arms[0].X_WE;
  Vector3d p_WE = X_WE.translation();
  p_WE.z() = 0.945;
  script.MoveTo(Pose(X_WE.rotation(), p_WE), 1, 0.01);
  script.Wait(1, 10);
  p_WE = simulator_->Observe().arms[0].X_WE.translation();
  const Pose beyond(X_WE.rotation(), {p_WE.x(), 0.15, p_WE.z()});
  for (uint64_t seed = 0; seed < 3; ++seed) {
    const TransitRequest request = To(beyond, 0, seed);
    const PlannedTransit way = Planner()->Plan(request);
    ExpectFree(way, request);
    EXPECT_GT(way.X_WE.size(), 2u) << "not straight";
    EXPECT_GT(Highest(way), 0.945 + 0.003);
  }
  // a goal in which the cube is in the wall is none, though the hand alone would fit
  const Pose over(X_WE.rotation(), {p_WE.x(), 0, 0.935});
  const PlannedTransit into = Planner()->Plan(To(over, 0));
  ASSERT_TRUE(into.cause.has_value());
  EXPECT_EQ(*into.cause, FailureCause::kCollision);
  EXPECT_THAT(into.detail, HasSubstr("wall"));
  EXPECT_THAT(into.detail, HasSubstr("cubeA"));
}

TEST_F(TransitPlannerTest, ImpossibleIsSaidCleanly) {
  // a wall as high as the arm reaches, and as long as the table
  Use(WalledScene(1.6));
  Script script(*simulator_);
  script.MoveTo(FingersDown(1.5, {-0.05, -0.15, 0.9}), -1);
  TransitPlannerOptions once;
  once.tries = 1;
  const PlannedTransit through = Planner(once)->Plan(To(FingersDown(1.5, {0.1, 0.15, 0.86})));
  ASSERT_TRUE(through.cause.has_value());
  EXPECT_EQ(*through.cause, FailureCause::kCollision);
  EXPECT_THAT(through.detail, HasSubstr("the straight one has "));
  EXPECT_THAT(through.detail, HasSubstr("wall"));
  const PlannedTransit far = Planner()->Plan(To(FingersDown(1.5, {0.6, 0, 1.0})));
  ASSERT_TRUE(far.cause.has_value());
  EXPECT_EQ(*far.cause, FailureCause::kUnreachable);
  const PlannedTransit inside = Planner()->Plan(To(FingersDown(1.5, {-0.05, -0.15, 0.75})));
  ASSERT_TRUE(inside.cause.has_value());
  EXPECT_EQ(*inside.cause, FailureCause::kCollision);
  EXPECT_THAT(inside.detail, HasSubstr("not free in any posture"));
}

TEST_F(TransitPlannerTest, SaysWhatSuits) {
  Use(WalledScene(0.12));
  const Pose free = FingersDown(1.5, {0, 0.15, 0.95}), in_table = FingersDown(1.5, {0, 0.15, 0.75}),
             far = FingersDown(1.5, {0.6, 0, 1.0});
  EXPECT_TRUE(Planner()->Suits(To(free), {free}));
  EXPECT_FALSE(Planner()->Suits(To(in_table), {in_table}));
  EXPECT_FALSE(Planner()->Suits(To(far), {far}));
  EXPECT_FALSE(Planner()->Suits(To(free), {free, far})) << "E must be able to follow";
}

// A start beside the skill must be free and have a straight way back.
TEST_F(TransitPlannerTest, TheFirstStartThatIsFreeIsTaken) {
  Use(StackScene());
  TransitRequest request = To(FingersDown(1.5, {0, 0.1, 0.9}));
  const Pose skill = request.X_WE_goals[0];
  const Pose in_table = FingersDown(1.5, {0, 0.1, 0.75}), far = FingersDown(1.5, {0.6, 0, 1}),
             beside = FingersDown(1.7, {0.05, 0.05, 0.93});
  request.X_WE_goals = {in_table, far, beside, skill};
  const PlannedTransit way = Planner()->Plan(request);
  ExpectFree(way, request);
  EXPECT_EQ(way.goal, 2);
  request.X_WE_goals = {in_table, far, skill};
  const PlannedTransit none = Planner()->Plan(request);
  ASSERT_TRUE(none.cause.has_value());
  EXPECT_THAT(none.detail,
              HasSubstr("no start beside the segment's first pose is free: the way to the first "
                        "one has "));
  EXPECT_THAT(none.detail, HasSubstr("one has cubeA and robot0_left_finger, "));
}

// The law: the request decides, whatever the planner was asked before.
TEST_F(TransitPlannerTest, TheRequestDecides) {
  Use(WalledScene(0.12));
  Script script(*simulator_);
  script.MoveTo(FingersDown(1.5, {-0.05, -0.15, 0.86}), -1);
  const Pose goal = FingersDown(1.5, {-0.05, 0.15, 0.86});
  const auto used = Planner();
  std::vector<PlannedTransit> first;
  for (uint64_t seed = 0; seed < 3; ++seed) first.push_back(used->Plan(To(goal, -1, seed)));
  for (uint64_t seed = 3; seed-- > 0;) {
    EXPECT_EQ(used->Plan(To(goal, -1, seed)).X_WE, first[seed].X_WE);
    EXPECT_EQ(Planner()->Plan(To(goal, -1, seed)).X_WE, first[seed].X_WE);
  }
  EXPECT_NE(first[0].X_WE, first[1].X_WE);
}

}  // namespace
}  // namespace understudy
