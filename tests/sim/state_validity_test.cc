#include "sim/state_validity.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "core/base/error.h"
#include "core/base/json.h"
#include "sim/kinematics.h"
#include "tests/sim/sim_fixture.h"

namespace understudy {
namespace {

using Eigen::Vector3d;
using Eigen::VectorXd;
using testing::HasSubstr;

class StateValidityTest : public SimTest {
 protected:
  void SetUp() override {
    SimTest::SetUp();
    simulator_ = MakeSimulator(StackScene());
    simulator_->Reset("D0", RngKey{.seed = 3});
    kinematics_ = MakeKinematics(StackScene());
    validity_ = MakeStateValidity(StackScene());
  }
  const VectorXd& q() const { return simulator_->Observe().arms[0].joint_q; }
  // A posture that brings E to `X_WE`.
  VectorXd At(const Pose& X_WE) {
    const auto solution = kinematics_->Solve(X_WE, q());
    EXPECT_TRUE(solution.has_value());
    return solution ? Eigen::VectorXd(solution->q) : q();
  }
  const Pose& Object(int object) const { return simulator_->Observe().X_WO[object]; }
  // Over the middle of an object, m above it.
  Pose Over(int object, double height) const {
    return FingersDown(GraspYaw(Object(object), simulator_->Observe().arms[0].X_WE),
                       Object(object).translation() + Vector3d(0, 0, height));
  }
  void PickUp() {
    Script script(*simulator_);
    PickCubeA(*simulator_, script);
    ASSERT_GT(Object(0).translation().z(), 0.9);
  }

  std::unique_ptr<Simulator> simulator_;
  std::unique_ptr<Kinematics> kinematics_;
  std::unique_ptr<StateValidity> validity_;
};

TEST_F(StateValidityTest, EveryTasksHomeIsValid) {
  for (const std::string& task : ListedTasks()) {
    const auto scene = CompileTask(LoadTaskSpec(task, kTaskRoot));
    const auto simulator = MakeSimulator(scene);
    const auto validity = MakeStateValidity(scene);
    for (uint64_t seed = 0; seed < 5; ++seed) {
      simulator->Reset("D0", RngKey{.seed = seed});
      validity->SetWorld(simulator->Save(), -1, 0.01);
      const VectorXd& home = simulator->Observe().arms[0].joint_q;
      EXPECT_TRUE(validity->Valid(home)) << task << ": " << validity->Nearest(home);
      EXPECT_EQ(validity->Clearance(home), 0.01);
      EXPECT_EQ(validity->Nearest(home), "");
    }
  }
}

TEST_F(StateValidityTest, AHandInTheTableIsNotValid) {
  validity_->SetWorld(simulator_->Save(), -1, 0.01);
  const VectorXd in_table = At(FingersDown(1.5, {-0.25, 0, 0.76}));
  EXPECT_FALSE(validity_->Valid(in_table));
  EXPECT_LT(validity_->Clearance(in_table), -0.01);
  EXPECT_THAT(validity_->Nearest(in_table), HasSubstr("table"));
  EXPECT_THAT(validity_->Nearest(in_table), HasSubstr("inside each other"));
  // the finger tips end 8.7 mm beyond E, the table at 0.8 m: 6 mm are too little, 11 not
  const VectorXd low = At(FingersDown(1.5, {-0.25, 0, 0.815}));
  EXPECT_FALSE(validity_->Valid(low));
  EXPECT_NEAR(validity_->Clearance(low), 0.0063, 2e-4);
  EXPECT_THAT(validity_->Nearest(low), HasSubstr("apart"));
  EXPECT_TRUE(validity_->Valid(At(FingersDown(1.5, {-0.25, 0, 0.82}))));
}

// Clearance is the distance: lowering the hand by a millimetre takes a millimetre of it.
TEST_F(StateValidityTest, ClearanceIsMetric) {
  validity_->SetWorld(simulator_->Save(), -1, 0.03);
  double before = 0;
  for (int i = 0; i < 20; ++i) {
    const double clearance =
        validity_->Clearance(At(FingersDown(1.5, {-0.25, 0, 0.82 - 0.001 * i})));
    if (i > 0) {
      EXPECT_NEAR(before - clearance, 0.001, 3e-4) << i;
    }
    before = clearance;
  }
}

// A finger 5 mm beside the cube: it may be as near as that there, and nothing else may.
TEST_F(StateValidityTest, WhatIsNearAtAnEndMayBeNearThere) {
  validity_->SetWorld(simulator_->Save(), -1, 0.01);
  // the open fingers stand 4 cm from E along its x, the cubes' faces 2 and 2.5 cm from their middle
  const auto beside = [&](int object, double gap) {
    const double half = object == 0 ? 0.02 : 0.025;
    return At(Over(object, 0) * Pose::FromTranslation({0.04 - half - gap, 0, 0}));
  };
  const VectorXd end = beside(0, 0.005);
  EXPECT_FALSE(validity_->Valid(end));
  validity_->Admit(end, 0.05);
  EXPECT_TRUE(validity_->Valid(end)) << validity_->Nearest(end);
  EXPECT_TRUE(validity_->Valid(beside(0, 0.0045))) << "what gives may give a millimetre";
  EXPECT_FALSE(validity_->Valid(beside(0, 0.003)));
  EXPECT_FALSE(validity_->Valid(beside(1, 0.005))) << "that is another cube";
  // nor is it so near from afar
  validity_->SetWorld(simulator_->Save(), -1, 0.01);
  validity_->Admit(end, 1e-6);
  EXPECT_TRUE(validity_->Valid(end));
  EXPECT_FALSE(validity_->Valid(beside(0, 0.0049)));
  validity_->SetWorld(simulator_->Save(), -1, 0.01);
  EXPECT_FALSE(validity_->Valid(end)) << "a new world forgets";
}

TEST_F(StateValidityTest, WhatIsHeldCollidesToo) {
  PickUp();
  const SimState state = simulator_->Save();
  // the cube reaches 2 cm below E
  const VectorXd low = At(FingersDown(1.5, {-0.25, 0, 0.825}));
  validity_->SetWorld(state, -1, 0.01);
  EXPECT_TRUE(validity_->Valid(low)) << validity_->Nearest(low);
  validity_->SetWorld(state, 0, 0.01);
  EXPECT_FALSE(validity_->Valid(low));
  EXPECT_THAT(validity_->Nearest(low), HasSubstr("cubeA"));
  // in the hand it touches the fingers, which is what a hand is for
  EXPECT_TRUE(validity_->Valid(q())) << validity_->Nearest(q());
  // left in the air it is in the way of the hand that comes back to it
  validity_->SetWorld(state, -1, 0.01);
  EXPECT_FALSE(validity_->Valid(q()));
  // and what is held goes into no other thing
  validity_->SetWorld(state, 0, 0.01);
  EXPECT_FALSE(validity_->Valid(At(Over(1, 0.03))));
  EXPECT_TRUE(validity_->Valid(At(Over(1, 0.12))));
}

// The stack task with a bar in place of cube B that lies across cube A, and a low wall beyond.
std::shared_ptr<const Scene> BarScene() {
  TaskSpec task = LoadTaskSpec("stack", kTaskRoot);
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / "understudy_bar_stack";
  std::filesystem::create_directories(folder);
  std::string text = ReadText(task.folder / task.scene);
  const auto replace = [&](const std::string& from, const std::string& to) {
    size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    for (; at != std::string::npos; at = text.find(from, at + to.size())) {
      text.replace(at, from.size(), to);
    }
  };
  replace("size=\"0.025 0.025 0.025\" mass=\"0.125\"", "size=\"0.08 0.003 0.003\" mass=\"0.02\"");
  replace(
      "</worldbody>",
      "<body name=\"wall\" pos=\"0.3 0 0.89\"><geom type=\"box\" size=\"0.01 0.4 0.09\"/></body>"
      "</worldbody>");
  // what the scene includes stands beside where it was
  replace("../shared/", (kTaskRoot / "shared").string() + "/");
  WriteTextAtomically(folder / "scene.xml", text);
  task.folder = folder;
  task.scene = "scene.xml";
  for (auto& [name, object] : task.objects) object.radius = 0;
  ResetVariant& start = task.variants.at("D0");
  start.objects["cubeA"] = {.x = {0, 0}, .y = {0, 0}, .z = 0.02, .yaw = {0, 0}};
  start.objects["cubeB"] = {.x = {0, 0}, .y = {0, 0}, .z = 0.043, .yaw = {0, 0}};
  return CompileTask(task);
}

// A bar that is lifted with the cube on which it lies: it is in nobody's way where it was, and goes
// where the hand goes.
TEST_F(StateValidityTest, WhatLiesOnWhatIsHeldComesAlong) {
  const auto scene = BarScene();
  simulator_ = MakeSimulator(scene);
  simulator_->Reset("D0", RngKey{.seed = 3});
  kinematics_ = MakeKinematics(scene);
  validity_ = MakeStateValidity(scene);
  PickUp();
  ASSERT_NEAR(Object(1).translation().z() - Object(0).translation().z(), 0.023, 0.002);
  const SimState state = simulator_->Save();
  const Pose X_WE = simulator_->Observe().arms[0].X_WE;
  const auto beyond = [&](double x) { return At(Pose::FromTranslation({x, 0, 0}) * X_WE); };

  validity_->SetWorld(state, 0, 0.01);
  EXPECT_TRUE(validity_->Valid(q())) << validity_->Nearest(q());
  EXPECT_EQ(validity_->Clearance(q()), 0.01) << validity_->Nearest(q());
  EXPECT_TRUE(validity_->Valid(beyond(0.1))) << validity_->Nearest(beyond(0.1));
  // the bar's end is in the wall, the cube and the hand are far from it
  EXPECT_FALSE(validity_->Valid(beyond(0.23)));
  EXPECT_THAT(validity_->Nearest(beyond(0.23)), HasSubstr("cubeB"));
  EXPECT_THAT(validity_->Nearest(beyond(0.23)), HasSubstr("wall"));
  validity_->SetWorld(state, -1, 0.01);
  EXPECT_TRUE(validity_->Valid(beyond(0.23))) << validity_->Nearest(beyond(0.23));
}

// A tower on the table: who takes the lower cube takes both, who takes the upper one leaves the
// lower one where it stands.
TEST_F(StateValidityTest, WhatStandsOnTheTableStays) {
  Script script(*simulator_);
  PickCubeA(*simulator_, script);
  PlaceOnCubeB(*simulator_, script);
  script.Wait(-1, 10);
  ASSERT_NEAR(Object(0).translation().z(), 0.87, 0.002);
  const SimState state = simulator_->Save();
  const Pose X_WE = simulator_->Observe().arms[0].X_WE;
  const auto at = [&](double z) { return At(Pose::FromTranslation({0, 0, z}) * X_WE); };
  // B moves with the hand, down into the table; with A on it, which nothing else holds, that is all
  validity_->SetWorld(state, 1, 0.002);
  EXPECT_TRUE(validity_->Valid(at(0.05))) << validity_->Nearest(at(0.05));
  EXPECT_THAT(validity_->Nearest(at(-0.02)),
              testing::AllOf(HasSubstr("cubeB"), HasSubstr("table")));
  // A moves with the hand, down into B
  validity_->SetWorld(state, 0, 0.002);
  EXPECT_TRUE(validity_->Valid(at(0.05))) << validity_->Nearest(at(0.05));
  EXPECT_FALSE(validity_->Valid(at(-0.02)));
  EXPECT_THAT(validity_->Nearest(at(-0.02)),
              testing::AllOf(HasSubstr("cubeA"), HasSubstr("cubeB")));
}

TEST_F(StateValidityTest, AnswersDependOnTheQuestionAlone) {
  PickUp();
  const SimState state = simulator_->Save();
  const auto fresh = MakeStateValidity(StackScene());
  fresh->SetWorld(state, 0, 0.01);
  Rng rng(RngKey{.seed = 5});
  int free = 0;
  for (int i = 0; i < 200; ++i) {
    VectorXd posture = kinematics_->lower();
    for (Eigen::Index j = 0; j < posture.size(); ++j) {
      posture[j] = rng.Uniform(posture[j], kinematics_->upper()[j]);
    }
    // the other one has just been asked something else
    validity_->SetWorld(state, i % 2 - 1, 0.02);
    validity_->Valid(q());
    validity_->SetWorld(state, 0, 0.01);
    EXPECT_EQ(validity_->Valid(posture), fresh->Valid(posture));
    EXPECT_EQ(validity_->Clearance(posture), fresh->Clearance(posture));
    free += fresh->Valid(posture);
  }
  EXPECT_GT(free, 0);
  EXPECT_LT(free, 200);
  EXPECT_EQ(simulator_->Save(), state) << "it disturbs no simulator";
}

TEST_F(StateValidityTest, BrokenContractsAreNamed) {
  EXPECT_THROW(validity_->SetWorld(SimState(3), -1, 0.01), ContractError);
  EXPECT_THROW(validity_->SetWorld(simulator_->Save(), 7, 0.01), ContractError);
  validity_->SetWorld(simulator_->Save(), -1, 0.01);
  EXPECT_THROW(validity_->Valid(VectorXd::Zero(3)), ContractError);
}

}  // namespace
}  // namespace understudy
