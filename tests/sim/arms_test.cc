// Tasks with several arms: the stack task with a second panda that faces the first one.
#include <gmock/gmock.h>

#include "core/base/error.h"
#include "core/base/json.h"
#include "tests/sim/sim_fixture.h"

namespace understudy {
namespace {

using Eigen::Vector3d;
using testing::ElementsAre;
using testing::HasSubstr;

const double kPi = std::acos(-1.0);

TaskSpec Facing() {
  TaskSpec task = LoadTaskSpec("stack", kTaskRoot);
  task.arms.push_back({PoseFromYaw(kPi, Vector3d(0.6, 0.05, 0.912)), {}});
  task.predicates["second_grasps"] = GraspedPredicate{"cubeB", 1};
  task.predicates["second_near"] = NearPredicate{"cubeB", 1, 0.05};
  task.subtasks[1].signal = "second_grasps";
  task.subtasks.push_back(task.subtasks[1]);
  task.subtasks[2].signal = "second_near";
  task.subtasks.emplace_back();
  return task;
}

class ArmsTest : public SimTest {
 protected:
  static std::shared_ptr<const Scene> FacingScene() {
    static const std::shared_ptr<const Scene> scene = CompileTask(Facing());
    return scene;
  }
  ArmsTest() : scene_(FacingScene()), simulator_(MakeSimulator(scene_)) {}

  const Pose& X_WE(size_t arm) const { return simulator_->Observe().arms[arm].X_WE; }
  bool Signal(const std::string& name) const { return SignalOf(*simulator_, name); }
  void Go(const Action& action, int steps) {
    for (int i = 0; i < steps; ++i) ASSERT_FALSE(simulator_->Step(action).unstable);
  }

  std::shared_ptr<const Scene> scene_;
  std::unique_ptr<Simulator> simulator_;
};

TEST_F(ArmsTest, EachStandsAtItsBaseInItsPosture) {
  const SimulatorInfo& info = scene_->info();
  EXPECT_THAT(info.arms, ElementsAre("robot0", "robot1"));
  ASSERT_EQ(info.X_WB.size(), 2u);
  ASSERT_EQ(info.joint_names.size(), 2u);
  for (size_t arm = 0; arm < 2; ++arm) {
    const auto prefixed = testing::Each(testing::StartsWith(info.arms[arm] + "_"));
    EXPECT_THAT(info.joint_names[arm], testing::AllOf(testing::SizeIs(7), prefixed));
    EXPECT_THAT(info.gripper_joint_names.at(arm), testing::AllOf(testing::SizeIs(2), prefixed));
    EXPECT_EQ(info.finger_joints(arm), 2u);
  }
  // the same robot in the same posture: the hand lies alike before each base
  const Pose X_BE_0 = info.base(0).Inverse() * X_WE(0), X_BE_1 = info.base(1).Inverse() * X_WE(1);
  EXPECT_LT((X_BE_0.translation() - X_BE_1.translation()).norm(), 1e-9);
  EXPECT_LT(AngleBetween(X_BE_0.rotation(), X_BE_1.rotation()), 1e-9);
  // and the first one as if it stood alone
  const auto alone = MakeSimulator(StackScene());
  EXPECT_LT((alone->Observe().arms[0].X_WE.translation() - X_WE(0).translation()).norm(), 1e-12);
  // reach is measured from the arm's own base
  EXPECT_TRUE(info.Reaches({1.2, 0, 0.9}, 0, 1));
  EXPECT_FALSE(info.Reaches({1.2, 0, 0.9}, 0, 0));
}

TEST_F(ArmsTest, EachFollowsItsOwnTarget) {
  simulator_->Reset("D0", RngKey{5});
  const Pose still = X_WE(0);
  Action action{{{still, -1}, {X_WE(1), -1}}};
  action.arms[1].X_WE_cmd = Pose(X_WE(1).rotation(), X_WE(1).translation() + Vector3d(0, 0.08, 0));
  Go(action, 20);
  EXPECT_LT((X_WE(1).translation() - action.arms[1].X_WE_cmd.translation()).norm(), 3e-3);
  EXPECT_LT((X_WE(0).translation() - still.translation()).norm(), 3e-3);
}

TEST_F(ArmsTest, PredicatesTellWhoGrasps) {
  simulator_->Reset("D0", RngKey{5});
  // far from cube A, so that nothing is in the way of the fingers
  const size_t b = 1;
  const Vector3d p_WB = simulator_->Observe().X_WO[b].translation();
  const Eigen::Quaterniond q_WB = simulator_->Observe().X_WO[b].rotation();
  // the nearest of the cube's four yaws to how the second hand is held
  const double now = std::atan2((X_WE(1).rotation() * Vector3d::UnitY()).y(),
                                (X_WE(1).rotation() * Vector3d::UnitY()).x());
  const double cube = std::atan2((q_WB * Vector3d::UnitX()).y(), (q_WB * Vector3d::UnitX()).x());
  const double yaw = cube + std::round((now - cube) / (kPi / 2)) * kPi / 2;
  const Pose above = FingersDown(yaw, p_WB + Vector3d(0, 0, 0.12)), at = FingersDown(yaw, p_WB);
  const Pose still = X_WE(0);
  EXPECT_FALSE(Signal("second_near"));
  Go({{{still, -1}, {above, -1}}}, 40);
  Go({{{still, -1}, {at, -1}}}, 30);
  EXPECT_TRUE(Signal("second_near"));
  EXPECT_FALSE(Signal("second_grasps"));
  Go({{{still, -1}, {at, 1}}}, 15);
  Go({{{still, -1}, {above, 1}}}, 30);
  EXPECT_TRUE(Signal("second_grasps"));
  EXPECT_FALSE(Signal("grasp")) << "the first arm holds nothing";
  EXPECT_GT(simulator_->Observe().X_WO[b].translation().z(), p_WB.z() + 0.08);

  // a state brings all of it back, bit for bit
  const SimState state = simulator_->Save();
  const auto other = MakeSimulator(scene_);
  other->Restore(state);
  EXPECT_EQ(other->Save(), state);
  for (int i = 0; i < 5; ++i) {
    const Action action{{{still, -1}, {at, 1}}};
    simulator_->Step(action);
    other->Step(action);
  }
  EXPECT_EQ(other->Save(), simulator_->Save());
}

TEST_F(ArmsTest, WhatIsAskedOfAnArmThatIsNotThereIsTold) {
  TaskSpec task = Facing();
  task.predicates["third"] = NearPredicate{"cubeA", 2, 0.1};
  task.predicates["fourth"] = GraspedPredicate{"cubeA", 3};
  task.arms[1].home = {0, 1};
  try {
    CompileTask(task);
    FAIL() << "compiled";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("further_arms[0].home: 2 angles for 7 joints"));
    EXPECT_THAT(error.what(), HasSubstr("predicates.third: arm = 2: the task's arms are counted"));
    EXPECT_THAT(error.what(), HasSubstr("predicates.fourth: arm = 3"));
  }
}

TEST_F(ArmsTest, TheTaskFileSaysThem) {
  const Json json = ToJson(Facing());
  const TaskSpec back = ParseTaskSpec(json, "task.yaml");
  ASSERT_EQ(back.arms.size(), 2u);
  EXPECT_LT((back.arms[1].X_WB.translation() - Vector3d(0.6, 0.05, 0.912)).norm(), 1e-12);
  EXPECT_EQ(ToJson(back), json);
  // tasks of one arm read and write as ever
  EXPECT_FALSE(ToJson(LoadTaskSpec("stack", kTaskRoot)).contains("further_arms"));
}

}  // namespace
}  // namespace understudy
