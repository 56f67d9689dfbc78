// Laws that every listed arm keeps with every listed gripper, at the stack task.
#include <gmock/gmock.h>
#include <mujoco/mujoco.h>

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/spec/listed.h"
#include "sim/kinematics.h"
#include "tests/sim/sim_fixture.h"
#include "tests/support/own_folder.h"

namespace understudy {
namespace {

using Eigen::Vector3d;
using Eigen::VectorXd;
using testing::HasSubstr;

const std::filesystem::path kGripperRoot = kRobotRoot.parent_path() / "grippers";

// Every arm with every gripper: "panda+panda_hand", "panda+wide", … An arm whose gripper lies in
// its own folder carries no other.
std::vector<std::string> Combinations() {
  std::vector<std::string> names;
  for (const std::string& arm : ListedNames(kRobotRoot, "robot.yaml")) {
    const std::filesystem::path gripper = LoadRobotSpec(arm, kRobotRoot).gripper.folder;
    if (gripper.parent_path() != std::filesystem::absolute(kGripperRoot)) {
      names.push_back(arm);
      continue;
    }
    for (const std::string& gripper : ListedNames(kGripperRoot, "gripper.yaml")) {
      names.push_back(arm + "+" + gripper);
    }
  }
  return names;
}

std::shared_ptr<const Scene> StackWith(const std::string& robot) {
  TaskSpec task = LoadTaskSpec("stack", kTaskRoot);
  task.robot = robot;
  return CompileTask(task);
}

class RobotLaws : public SimTest, public testing::WithParamInterface<std::string> {
 protected:
  void SetUp() override {
    SimTest::SetUp();
    scene_ = StackWith(GetParam());
    own_ = SplitRobot(scene_->robot().name).second.empty();
    small_ = !(scene_->robot().X_PB == Pose());
    turns_freely_ = scene_->robot().joints.size() >= 6;
  }
  std::unique_ptr<Simulator> Make() const { return MakeSimulator(scene_); }
  VectorXd Home() const {
    const std::vector<double>& home = scene_->robot().home;
    return Eigen::Map<const VectorXd>(home.data(), static_cast<Eigen::Index>(home.size()));
  }

  std::shared_ptr<const Scene> scene_;
  bool own_ = false;    // the arm carries its own gripper
  bool small_ = false;  // it stands elsewhere than arms of a metre
  bool turns_freely_ = true;
};

// Sources go from robot to robot without a turn: all begin with the hand in one place, as far as
// grippers are of one length; a longer one reaches farther down from the same posture.
TEST_P(RobotLaws, HandBeginsWhereEveryHandDoes) {
  const Pose X_WE = Make()->Observe().arms[0].X_WE;
  const Vector3d away = X_WE.translation() - Vector3d(-0.10, 0, 1.01);
  EXPECT_LT(away.head<2>().norm(), small_ ? 0.1 : 0.015);
  EXPECT_LT(std::abs(away.z()), small_ ? 0.11 : own_ ? 0.015 : 0.06);
  EXPECT_GT((X_WE.rotation() * Vector3d::UnitX()).y(), 0.99);
  EXPECT_LT((X_WE.rotation() * Vector3d::UnitZ()).z(), -0.99);
}

// Nothing has to be said of a listed arm before it is used.
TEST_P(RobotLaws, StaysAtHome) {
  for (const std::string& note : scene_->info().notes) {
    EXPECT_THAT(note, testing::Not(HasSubstr("commanded to stay at home")));
  }
}

TEST_P(RobotLaws, ReachesItsTargetsInTime) {
  const auto simulator = Make();
  const auto kinematics = MakeKinematics(scene_);
  const Pose X_WE_home = simulator->Observe().arms[0].X_WE;
  // robosuite's law swings at about 0.8 Hz and may settle beside (sim/robots/panda_robosuite)
  const bool uncoupled = scene_->robot().osc.uncouple;
  const int steps = static_cast<int>((uncoupled ? 5 : 1) * simulator->info().control_hz);
  const double distance = uncoupled ? 0.02 : 5e-3;
  int reachable = 0;
  for (uint64_t trial = 0; trial < 16; ++trial) {
    simulator->Reset("D0", RngKey{3, 0, trial, 0, 0});
    Rng rng(RngKey{4, 0, trial, 0, 0});
    Vector3d p_WE =
        Vector3d(-0.1, 0, 1.01) +
        Vector3d(rng.Uniform(-0.1, 0.15), rng.Uniform(-0.2, 0.2), rng.Uniform(-0.08, 0.15));
    if (small_) p_WE = X_WE_home.translation() + 0.3 * (p_WE - Vector3d(-0.1, 0, 1.01));
    Vector3d turn(rng.Uniform(-0.3, 0.3), rng.Uniform(-0.3, 0.3), rng.Uniform(-0.7, 0.7));
    if (!turns_freely_) turn.head<2>().setZero();
    const Pose X_WE_cmd(RotationExp(turn) * X_WE_home.rotation(), p_WE);
    // arms differ in how far they fold and stretch
    if (!kinematics->Solve(X_WE_cmd, Home()).has_value()) continue;
    ++reachable;
    for (int i = 0; i < steps; ++i) simulator->Step(OneArm(X_WE_cmd, -1));
    const Pose X_WE = simulator->Observe().arms[0].X_WE;
    EXPECT_LT((X_WE.translation() - p_WE).norm(), distance) << "trial " << trial;
    EXPECT_LT(AngleBetween(X_WE.rotation(), X_WE_cmd.rotation()), 0.03) << "trial " << trial;
  }
  EXPECT_GE(reachable, 12);
}

TEST_P(RobotLaws, InverseKinematicsFindsWhatForwardGives) {
  const auto kinematics = MakeKinematics(scene_);
  Rng rng(RngKey{4});
  for (int i = 0; i < 100; ++i) {
    const double yaw = rng.Uniform(0.8, 2.3);
    Vector3d p_WE(rng.Uniform(-0.12, 0.15), rng.Uniform(-0.15, 0.15), rng.Uniform(0.82, 1.05));
    if (small_) p_WE = Vector3d(0, 0, 0.82) + 0.4 * (p_WE - Vector3d(0, 0, 0.82));
    const Pose X_WE = FingersDown(yaw, p_WE);
    const auto solution = kinematics->Solve(X_WE, Home());
    ASSERT_TRUE(solution.has_value()) << X_WE.translation().transpose();
    const Pose X_WE_found = kinematics->Forward(solution->q);
    EXPECT_LE((X_WE_found.translation() - X_WE.translation()).norm(), 1e-4);
    EXPECT_LE(AngleBetween(X_WE_found.rotation(), X_WE.rotation()), 1e-3 + 1e-9);
    EXPECT_TRUE((solution->q.array() >= kinematics->lower().array()).all());
    EXPECT_TRUE((solution->q.array() <= kinematics->upper().array()).all());
  }
}

TEST_P(RobotLaws, GripperOpensAsWideAsItSays) {
  const auto simulator = Make();
  const Pose X_WE = simulator->Observe().arms[0].X_WE;
  // between the pads, where they are nearest to each other
  const mjModel* model = scene_->model();
  const std::unique_ptr<mjData, decltype(&mj_deleteData)> data(mj_makeData(model), mj_deleteData);
  const auto opening = [&] {
    mj_setState(model, data.get(), simulator->Save().data(), mjSTATE_INTEGRATION);
    mj_kinematics(model, data.get());
    const auto geom = [&](const std::string& name) {
      return mj_name2id(model, mjOBJ_GEOM, ("robot0_" + name).c_str());
    };
    double least = 1;
    for (const std::string& left : scene_->robot().gripper.left_pads) {
      for (const std::string& right : scene_->robot().gripper.right_pads) {
        mjtNum fromto[6];
        least =
            std::min(least, mj_geomDistance(model, data.get(), geom(left), geom(right), 1, fromto));
      }
    }
    return least;
  };
  EXPECT_NEAR(opening(), scene_->robot().gripper.max_opening, 1e-3);
  for (int i = 0; i < 20; ++i) simulator->Step(OneArm(X_WE, 1));
  EXPECT_NEAR(opening(), 0, 1e-3);
  for (int i = 0; i < 20; ++i) simulator->Step(OneArm(X_WE, -1));
  EXPECT_NEAR(opening(), scene_->robot().gripper.max_opening, 1e-3);
}

// The plain script looks at nothing but the cubes' poses; where they lie apart it always works.
TEST_P(RobotLaws, StacksCubesThatLieApart) {
  const auto simulator = Make();
  int tried = 0;
  for (uint64_t i = 0; tried < 6; ++i) {
    simulator->Reset("D0", RngKey{21, 0, i, 0, 0});
    const auto& X_WO = simulator->Observe().X_WO;
    if ((X_WO[0].translation() - X_WO[1].translation()).norm() < 0.12) continue;
    ++tried;
    Script script(*simulator);
    PickCubeA(*simulator, script);
    EXPECT_EQ(simulator->Observe().signals.at(0), 1) << "no grasp, start " << i;
    EXPECT_GT(simulator->Observe().X_WO[0].translation().z(), 0.9) << "start " << i;
    PlaceOnCubeB(*simulator, script);
    script.Wait(-1, 10);
    EXPECT_TRUE(simulator->Observe().success) << "start " << i;
    // a small arm lifts the cube as high as its wrist bends
    EXPECT_EQ(script.collisions + (small_ ? 0 : script.joint_limits) + script.unstable, 0)
        << "start " << i;
  }
}

// Test names may not hold a plus.
std::string TestName(const testing::TestParamInfo<std::string>& info) {
  const auto [arm, gripper] = SplitRobot(info.param);
  return arm + "_with_" + gripper;
}
INSTANTIATE_TEST_SUITE_P(Listed, RobotLaws, testing::ValuesIn(Combinations()), TestName);

// A posture taken from elsewhere is told from what tasks expect, and the right one is offered.
TEST_F(SimTest, AHomeElsewhereIsNamedWithABetterOne) {
  RobotSpec robot = LoadRobotSpec("panda", kRobotRoot);
  const TaskSpec task = LoadTaskSpec("stack", kTaskRoot);
  const auto notes = [&] { return Scene::Compile(task, robot)->info().notes; };
  EXPECT_THAT(notes(), testing::IsEmpty());
  robot.home = {0.4, -0.3, 0, -2.2, 0, 2, 0.785};
  const std::vector<std::string> told = notes();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_THAT(
      told[0],
      HasSubstr("at home the hand is at [0.45, 0.19, 0.41] m from the base and turned by 24 "
                "degrees from where the hand of every arm begins, [0.46, 0, 0.1] with the "
                "fingers down; there it is with `home: ["));
  const size_t from = told[0].find("`home: ") + 7;
  robot.home =
      Json::parse(told[0].substr(from, told[0].find('`', from) - from)).get<std::vector<double>>();
  EXPECT_THAT(notes(), testing::IsEmpty());
  // what does not stand among arms of a metre is left alone
  robot.home = {0.4, -0.3, 0, -2.2, 0, 2, 0.785};
  robot.X_PB = Pose(Eigen::Quaterniond::Identity(), Vector3d(0.1, 0, 0));
  EXPECT_THAT(notes(), testing::IsEmpty());
}

// So is a small arm that does not get to where hands begin, or whose fingers do not point down.
TEST_F(SimTest, TheHomeOfASmallArmIsNamedToo) {
  RobotSpec robot = LoadRobotSpec("so101", kRobotRoot);
  const TaskSpec task = LoadTaskSpec("stack", kTaskRoot);
  const auto notes = [&] { return Scene::Compile(task, robot)->info().notes; };
  EXPECT_THAT(notes(), testing::IsEmpty());
  robot.home = {0, 0, 0, 0, 0};
  const std::vector<std::string> told = notes();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_THAT(told[0], HasSubstr("at home the fingers point 90 degrees away from down, 0.20 m "
                                 "before the base they point down with `home: ["));
  const size_t from = told[0].find("`home: ") + 7;
  robot.home =
      Json::parse(told[0].substr(from, told[0].find('`', from) - from)).get<std::vector<double>>();
  EXPECT_THAT(notes(), testing::IsEmpty());
  robot.X_PB = Pose();
  EXPECT_THAT(notes(), testing::ElementsAre(HasSubstr(
                           "the arm reaches 0.36 m, and hands begin 0.47 m from where its base "
                           "stands: say with `stand`")));
}

class RobotNames : public SimTest {};

TEST_F(RobotNames, SayTheGripperWhereItIsNotTheArmsOwn) {
  const RobotSpec plain = LoadRobotSpec("panda", kRobotRoot);
  EXPECT_EQ(plain.gripper.name, "panda_hand");
  const RobotSpec said = LoadRobotSpec("panda+panda_hand", kRobotRoot);
  EXPECT_EQ(said.name, "panda");
  EXPECT_EQ(said.foreign.size(), plain.foreign.size());
  const RobotSpec other = LoadRobotSpec("panda+wide", kRobotRoot);
  EXPECT_EQ(other.name, "panda+wide");
  EXPECT_EQ(other.gripper.max_opening, 0.085);
  EXPECT_TRUE(other.foreign.empty()) << "other programs' Panda has its own hand";
  // named or not, the arm's own gripper gives the same model
  EXPECT_EQ(StackWith("panda+panda_hand")->model_text(), StackScene()->model_text());
  EXPECT_NE(StackWith("panda+wide")->model_text(), StackScene()->model_text());
}

// The law: whatever is written in robot.yaml and gripper.yaml, words for people and what guards
// commands aside, tells one robot from another.
TEST_F(RobotNames, TheDescriptionHasEverySetting) {
  const RobotSpec plain = LoadRobotSpec("panda", kRobotRoot);
  const Json described = DescribeRobot(plain);
  const auto other = [](const Json& value) -> Json {
    if (value.is_boolean()) return !value.get<bool>();
    if (value.is_number_integer()) return value.get<int>() + 1;
    if (value.is_number()) return 1.01 * value.get<double>() + 0.001;
    if (value == "pose") return "joints";
    if (value.is_string()) return value.get<std::string>() + "x";
    if (value.is_array()) return value.empty() ? Json{1.0} : Json::array();
    if (value.is_object() && value.contains("p")) {
      Json moved = value;
      moved["p"][0] = 0.1;
      return moved;
    }
    return Json::object();
  };
  int edits = 0;
  const auto edit = [&](const auto& whole, const auto& described_with) {
    for (const FieldInfo& field : ListFields(whole)) {
      if (field.path.starts_with("safety")) continue;  // RobotSafety
      Json json = ToJson(whole);
      SetByPath(json, field.path, other(field.default_value));
      const Json changed = described_with(json);
      EXPECT_EQ(changed == described, field.path == "description" || field.path == "gripper")
          << field.path << ": " << changed;
      ++edits;
    }
  };
  edit(plain, [&](const Json& json) {
    RobotSpec robot = FromJson<RobotSpec>(json, "robot");
    robot.gripper = plain.gripper;
    return DescribeRobot(robot);
  });
  edit(plain.gripper, [&](const Json& json) {
    RobotSpec robot = plain;
    robot.gripper = FromJson<GripperSpec>(json, "gripper");
    return DescribeRobot(robot);
  });
  EXPECT_GT(edits, 20);
}

TEST_F(RobotNames, UnknownOnesNameTheNearest) {
  const auto refusal = [](const std::string& robot) -> std::string {
    try {
      LoadRobotSpec(robot, kRobotRoot);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      return error.what();
    }
    return "loaded";
  };
  EXPECT_THAT(refusal("pandas+wide"), HasSubstr("unknown robot 'pandas': did you mean 'panda'?"));
  EXPECT_THAT(refusal("panda+wider"), HasSubstr("unknown gripper 'wider': did you mean 'wide'?"));
}

TEST_F(RobotNames, AFileThatNamesAnUnknownGripperIsBadInput) {
  const OwnFolder own;
  std::string text = ReadText(kRobotRoot / "ur5e/robot.yaml");
  text.replace(text.find("gripper: wide"), 13, "gripper: wider");
  WriteTextAtomically(own / "robot.yaml", text);
  try {
    LoadRobotSpec((own / "robot.yaml").string(), kRobotRoot);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
    EXPECT_THAT(error.what(), HasSubstr("robot.yaml: gripper: no folder beside this file, and "
                                        "unknown gripper 'wider': did you mean 'wide'?"));
  }
}

// A gripper of one's own, anywhere: chosen by its path.
TEST_F(RobotNames, AGripperMayLieAnywhere) {
  const OwnFolder own;
  const std::filesystem::path folder = own / "gripper";
  std::filesystem::copy(kGripperRoot / "wide", folder);
  std::string yaml = ReadText(folder / "gripper.yaml");
  yaml.replace(yaml.find("name: wide"), 10, "name: mine");
  WriteTextAtomically(folder / "gripper.yaml", yaml);
  EXPECT_EQ(StackWith("panda+" + folder.string())->info().robot, "panda+mine");

  // a part that an arm includes is missing
  std::filesystem::remove(folder / "drive.xml");
  try {
    StackWith("panda+" + folder.string());
    FAIL() << "compiled";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("gripper/drive.xml"));
  }
}

// What guards commands is no part of what makes a robot: data of a listed one do not hold it.
TEST(RobotSafety, IsReadAndIsNoPartOfTheRobot) {
  const RobotSpec panda = LoadRobotSpec("panda", kRobotRoot);
  EXPECT_EQ(panda.safety.max_speed, 0.85);
  RobotSpec careful = panda;
  careful.safety.max_speed = 0.1;
  EXPECT_EQ(DescribeRobot(careful), DescribeRobot(panda));
  EXPECT_FALSE(DescribeRobot(panda).contains("safety"));
  EXPECT_FALSE(CarriedRobot(careful).contains("safety"));
  careful.carries_safety = true;  // as of one that is not listed
  EXPECT_EQ(CarriedRobot(careful)["safety"]["max_speed"], 0.1);
}

}  // namespace
}  // namespace understudy
