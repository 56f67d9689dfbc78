// Every kind of predicate on states that are written by hand. Predicates are seen through the
// signals of a task that names each of them as the end of a subtask.
#include <gmock/gmock.h>

#include "core/base/json.h"
#include "tests/sim/sim_fixture.h"
#include "tests/support/own_folder.h"

namespace understudy {
namespace {

using Eigen::Vector3d;

// Turns the stack task into one whose signals are `predicates`.
TaskSpec Questions(const std::map<std::string, Predicate>& predicates) {
  TaskSpec task = LoadTaskSpec("stack", kTaskRoot);
  task.subtasks.clear();
  for (const auto& [name, predicate] : predicates) {
    task.predicates[name] = predicate;
    Subtask subtask;
    subtask.signal = name;
    task.subtasks.push_back(subtask);
  }
  task.subtasks.emplace_back();
  return task;
}

class PredicateTest : public SimTest {
 protected:
  void Ask(const std::map<std::string, Predicate>& predicates) { Compile(Questions(predicates)); }
  void Compile(const TaskSpec& task) {
    simulator_ = MakeSimulator(CompileTask(task));
    simulator_->Reset("D0", RngKey{1});
  }
  // Puts both cubes somewhere, at rest; counters stay.
  void Place(const Pose& X_WA, const Pose& X_WB) {
    SimState state = simulator_->Save();
    size_t at = 1;  // [time, qpos: cube A, cube B, …]
    for (const Pose& X : {X_WA, X_WB}) {
      for (int i = 0; i < 3; ++i) state[at++] = X.translation()[i];
      state[at++] = X.rotation().w();
      for (int i = 0; i < 3; ++i) state[at++] = X.rotation().vec()[i];
    }
    simulator_->Restore(state);
  }
  bool Signal(const std::string& name) const { return SignalOf(*simulator_, name); }
  void Wait() { simulator_->Step(OneArm(simulator_->Observe().arms[0].X_WE, -1)); }

  std::unique_ptr<Simulator> simulator_;
};

Pose At(double x, double y, double z) { return Pose::FromTranslation(Vector3d(x, y, z)); }

TEST_F(PredicateTest, OnTopNeedsTouchHeightAndCentre) {
  Ask({{"on", OnTopPredicate{"cubeA", "cubeB", 0.02, 0.04}},
       {"under", OnTopPredicate{"cubeB", "cubeA", 0.02, 0}}});
  const Pose X_WB = At(0, 0, 0.825);
  Place(At(0, 0, 0.8699), X_WB);
  EXPECT_TRUE(Signal("on"));
  EXPECT_FALSE(Signal("under"));
  Place(At(0.019, 0, 0.8699), X_WB);
  EXPECT_TRUE(Signal("on"));
  Place(At(0.021, 0, 0.8699), X_WB);
  EXPECT_FALSE(Signal("on")) << "off the centre";
  Place(At(0, 0, 0.875), X_WB);
  EXPECT_FALSE(Signal("on")) << "in the air";
  Place(At(0.0449, 0, 0.82), X_WB);
  EXPECT_FALSE(Signal("on")) << "beside it";
  Place(At(0, 0, 0.855), X_WB);
  EXPECT_FALSE(Signal("on")) << "within it";
  Place(At(0, 0, 0.82), At(0, 0, 0.8649));
  EXPECT_TRUE(Signal("under"));
  EXPECT_FALSE(Signal("on"));
}

TEST_F(PredicateTest, AGraspNeedsBothPads) {
  Ask({{"held", GraspedPredicate{"cubeA", 0}}, {"loose", ReleasedPredicate{"cubeA"}}});
  const Pose X_WE = simulator_->Observe().arms[0].X_WE;
  for (const double side : {-1, 1}) {
    // two millimetres into an open finger's pad
    Place(X_WE * At(side * 0.022, 0, 0), At(0, 0, 0.825));
    EXPECT_FALSE(Signal("loose")) << side;
    EXPECT_FALSE(Signal("held")) << side;
  }
  Place(X_WE, At(0, 0, 0.825));
  EXPECT_TRUE(Signal("loose"));
}

TEST_F(PredicateTest, BoxesFollowTheirFrame) {
  Ask({{"world", InBoxPredicate{"cubeA", "", Vector3d(0, 0, 0.8), Vector3d(0.1, 0.1, 0.9)}},
       {"beside", InBoxPredicate{"cubeA", "cubeB", Vector3d(0.05, -0.02, -0.02),
                                 Vector3d(0.15, 0.02, 0.02)}}});
  Place(At(0.1, 0.05, 0.82), At(0, 0.05, 0.825));
  EXPECT_TRUE(Signal("world"));
  EXPECT_TRUE(Signal("beside"));
  Place(At(0.11, 0.05, 0.82), At(0, 0.05, 0.825));
  EXPECT_FALSE(Signal("world"));
  EXPECT_TRUE(Signal("beside"));
  // the box turns with cube B
  Place(At(0.05, 0.05, 0.82), PoseFromYaw(std::acos(-1.0) / 2, Vector3d(-0.05, 0.05, 0.825)));
  EXPECT_FALSE(Signal("beside"));
  Place(At(0, 0.05, 0.82), PoseFromYaw(std::acos(-1.0) / 2, Vector3d(0, -0.05, 0.825)));
  EXPECT_TRUE(Signal("beside"));
}

TEST_F(PredicateTest, NearMeasuresFromTheHandToObjectsAndBodies) {
  Ask({{"near", NearPredicate{"cubeA", 0, 0.1}}, {"near_table", NearPredicate{"table", 0, 0.3}}});
  const Vector3d p_WE = simulator_->Observe().arms[0].X_WE.translation();
  const Pose X_WB = At(0.3, 0.3, 0.825);
  for (const auto& [distance, near] : {std::pair{0.099, true}, {0.101, false}}) {
    for (const Vector3d& way : {Vector3d(1, 0, 0), Vector3d(0, 0.6, -0.8)}) {
      Place(Pose::FromTranslation(p_WE + distance * way), X_WB);
      EXPECT_EQ(Signal("near"), near) << distance;
    }
  }
  // the table's origin is the middle of its top, a quarter of a metre below the hand
  EXPECT_TRUE(Signal("near_table"));
}

TEST_F(PredicateTest, UprightMeasuresTilt) {
  Ask({{"upright", UprightPredicate{"cubeA", 0.1}}});
  const auto tilted = [](double angle) {
    return Pose::FromRotvec(Vector3d(0, angle, 0), Vector3d(0.1, 0, 1));
  };
  Place(tilted(0.09), At(0, 0, 0.825));
  EXPECT_TRUE(Signal("upright"));
  Place(tilted(0.11), At(0, 0, 0.825));
  EXPECT_FALSE(Signal("upright"));
  Place(PoseFromYaw(2, Vector3d(0.1, 0, 1)), At(0, 0, 0.825));
  EXPECT_TRUE(Signal("upright")) << "yaw is no tilt";
}

TEST_F(PredicateTest, ContactKnowsObjectsAndSceneBodies) {
  Ask({{"cubes", ContactPredicate{"cubeA", "cubeB"}},
       {"table", ContactPredicate{"table", "cubeA"}}});
  Place(At(0, 0, 0.8199), At(0.1, 0, 0.825));
  EXPECT_FALSE(Signal("cubes"));
  EXPECT_TRUE(Signal("table"));
  Place(At(0, 0, 0.8199), At(0.0449, 0, 0.825));
  EXPECT_TRUE(Signal("cubes"));
  Place(At(0, 0, 1), At(0.0449, 0, 0.825));
  EXPECT_FALSE(Signal("cubes"));
  EXPECT_FALSE(Signal("table"));
}

TEST_F(PredicateTest, LogicCombines) {
  const InBoxPredicate high{"cubeA", "", Vector3d(-9, -9, 1), Vector3d(9, 9, 9)};
  const InBoxPredicate left{"cubeA", "", Vector3d(-9, 0, -9), Vector3d(9, 9, 9)};
  Ask({{"high", high},
       {"left", left},
       {"a_both", AllPredicate{{"high", "left"}}},  // sorts before its operands
       {"a_either", AnyPredicate{{"high", "left"}}},
       {"a_neither", NotPredicate{"a_either"}}});
  for (const bool is_high : {false, true}) {
    for (const bool is_left : {false, true}) {
      Place(At(0.1, is_left ? 0.1 : -0.1, is_high ? 1.1 : 0.82), At(0, 0, 0.825));
      EXPECT_EQ(Signal("high"), is_high);
      EXPECT_EQ(Signal("left"), is_left);
      EXPECT_EQ(Signal("a_both"), is_high && is_left);
      EXPECT_EQ(Signal("a_either"), is_high || is_left);
      EXPECT_EQ(Signal("a_neither"), !is_high && !is_left);
    }
  }
}

TEST_F(PredicateTest, HeldStartsAgainAfterAGap) {
  const InBoxPredicate low{"cubeA", "", Vector3d(-9, -9, 0.8), Vector3d(9, 9, 0.83)};
  Ask({{"low", low}, {"stays", HeldPredicate{"low", 3}}});
  const Pose X_WB = At(0, 0.1, 0.825);
  Place(At(0.1, 0, 1.5), X_WB);
  Wait();
  EXPECT_FALSE(Signal("low"));
  EXPECT_FALSE(Signal("stays"));
  Place(At(0.1, 0, 0.82), X_WB);
  EXPECT_TRUE(Signal("low"));
  EXPECT_FALSE(Signal("stays"));
  Wait();
  Wait();
  EXPECT_FALSE(Signal("stays")) << "two steps";
  Wait();
  EXPECT_TRUE(Signal("stays")) << "three steps";
  simulator_->Observe();
  Place(At(0.1, 0, 1.5), X_WB);
  Wait();
  EXPECT_FALSE(Signal("stays"));
  Place(At(0.1, 0, 0.82), X_WB);
  Wait();
  Wait();
  EXPECT_FALSE(Signal("stays")) << "counted from the gap";
  Wait();
  EXPECT_TRUE(Signal("stays"));
}

TEST_F(PredicateTest, JointRangesAndFixedObjects) {
  // a scene of its own: a drawer, and a block that is placed but cannot move
  const OwnFolder folder;
  WriteTextAtomically(folder / "scene.xml", R"(<mujoco>
    <compiler autolimits="true"/>
    <worldbody>
      <camera name="agentview" pos="1 0 1.5"/>
      <body name="block" mocap="true"><geom type="box" size=".05 .05 .05"/></body>
      <body name="drawer" pos="0.5 0.3 0.2">
        <joint name="slide" type="slide" axis="1 0 0" range="0 0.3" damping="1"/>
        <geom type="box" size=".05 .05 .05"/>
      </body>
    </worldbody></mujoco>)");
  TaskSpec task = LoadTaskSpec("stack", kTaskRoot);
  task.folder = folder.path();
  task.cameras = {"agentview"};
  task.foreign.clear();
  task.objects = {{"block", TaskObject{"block", 0.07, 4}}};
  task.variants = {
      {"D0", ResetVariant{Vector3d(0, 0.3, 0.5),
                          {{"block", PlacementRange{{-0.1, 0.1}, {0, 0}, 0.1, {1, 1}}}}}}};
  task.predicates = {{"open", JointPredicate{"slide", 0.1, 0.4}}};
  task.success = "open";
  task.subtasks = {Subtask{}};
  const auto simulator = MakeSimulator(CompileTask(task));

  simulator->Reset("D0", RngKey{1});
  const Pose X_WO = simulator->Observe().X_WO.at(0);
  EXPECT_NEAR(X_WO.translation().z(), 0.6, 1e-12);
  simulator->Reset("D0", RngKey{2});
  EXPECT_NE(simulator->Observe().X_WO[0].translation().x(), X_WO.translation().x());
  simulator->Step(OneArm(simulator->Observe().arms[0].X_WE, -1));
  EXPECT_NEAR(simulator->Observe().X_WO[0].translation().z(), 0.6, 1e-12) << "does not fall";

  EXPECT_FALSE(simulator->Observe().success);
  SimState state = simulator->Save();
  state[1] = 0.2;  // the drawer is the first joint
  simulator->Restore(state);
  EXPECT_TRUE(simulator->Observe().success);
}

}  // namespace
}  // namespace understudy
