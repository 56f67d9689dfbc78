// What Scene::Compile composes, and what it refuses.
#include "sim/scene.h"

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "core/base/json.h"
#include "tests/sim/sim_fixture.h"
#include "tests/support/own_folder.h"

namespace understudy {
namespace {

using testing::HasSubstr;

TaskSpec Stack() { return LoadTaskSpec("stack", kTaskRoot); }
RobotSpec Panda() { return LoadRobotSpec("panda", kRobotRoot); }

// The message of the Error(kBadInput) that compiling these must throw.
std::string Refusal(const TaskSpec& task, const RobotSpec& robot) {
  try {
    Scene::Compile(task, robot);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
    return error.what();
  }
  ADD_FAILURE() << "compiled";
  return "";
}

class SceneTest : public SimTest {};

TEST_F(SceneTest, InfoNamesEverything) {
  const SimulatorInfo& info = StackScene()->info();
  EXPECT_EQ(info.task, "stack");
  EXPECT_EQ(info.robot, "panda");
  EXPECT_THAT(info.variants, testing::ElementsAre("D0", "D1"));
  EXPECT_THAT(info.arms, testing::ElementsAre("robot0"));
  EXPECT_THAT(info.objects, testing::ElementsAre("cubeA", "cubeB"));
  EXPECT_THAT(info.signals, testing::ElementsAre("grasp", "on_b"));
  ASSERT_THAT(info.joint_names, testing::ElementsAre(testing::SizeIs(7)));
  EXPECT_EQ(info.joint_names[0][0], "robot0_joint1");
  EXPECT_THAT(info.gripper_joint_names, testing::ElementsAre(testing::SizeIs(2)));
  EXPECT_EQ(info.substeps, 25);
  // 2 cubes, 7 joints, 2 fingers: time, qpos, qvel
  EXPECT_EQ(info.flat_state_size, 1u + (14 + 9) + (12 + 9));
  EXPECT_EQ(info.limits, (DeltaLimits{0.05, 0.5}));
}

TEST_F(SceneTest, ModelTextIsTheComposedModel) {
  const std::string& text = StackScene()->model_text();
  EXPECT_THAT(text, HasSubstr("robot0_eye_in_hand"));
  EXPECT_THAT(text, HasSubstr("cubeA"));
  EXPECT_THAT(text, HasSubstr("</mujoco>"));
  EXPECT_EQ(text.find('\0'), std::string::npos);
}

TEST_F(SceneTest, EveryViolationIsListed) {
  TaskSpec task = Stack();
  task.objects["cubeA"].body = "cubA";
  task.objects["cubeB"].body = "table";
  task.cameras.push_back("sideview");
  task.predicates["drawer"] = JointPredicate{"drawer_slide", 0, 1};
  task.predicates["bump"] = ContactPredicate{"cubeA", "wall"};
  task.predicates["second_arm"] = GraspedPredicate{"cubeA", 1};
  RobotSpec robot = Panda();
  robot.gripper.control_site = "tool";
  robot.joints[2] = "joint9";
  robot.gripper.left_pads = {"pad"};
  robot.link_bodies.push_back("link8");
  robot.gripper.actuator_prefix = "hydraulic";
  robot.home[3] = 1;
  const std::string message = Refusal(task, robot);
  EXPECT_THAT(message, HasSubstr("task 'stack'"));
  EXPECT_THAT(message, HasSubstr("objects.cubeA.body: unknown body 'cubA': did you mean 'cubeA'?"));
  EXPECT_THAT(message, HasSubstr("objects.cubeB.body: 'table' cannot be placed"));
  EXPECT_THAT(message, HasSubstr("cameras: unknown camera 'sideview'"));
  EXPECT_THAT(message, HasSubstr("predicates.drawer: unknown joint 'drawer_slide'"));
  EXPECT_THAT(message, HasSubstr("predicates.bump: unknown object or body 'wall'"));
  EXPECT_THAT(message,
              HasSubstr("predicates.second_arm: arm = 1: the task's arms are counted 0 to 0"));
  EXPECT_THAT(message, HasSubstr("robot.gripper.control_site: unknown site 'robot0_tool'"));
  EXPECT_THAT(message, HasSubstr("robot.joints[2]: unknown joint 'robot0_joint9'"));
  EXPECT_THAT(message, HasSubstr("robot.gripper.left_pads: unknown geom 'robot0_pad'"));
  EXPECT_THAT(message, HasSubstr("robot.link_bodies: unknown body 'robot0_link8'"));
  EXPECT_THAT(message, HasSubstr("no actuator's name starts with 'robot0_hydraulic'"));
  EXPECT_THAT(message, HasSubstr("home[3]: = 1 rad lies outside [-3.0718, -0.0698]"));
}

// What a variant places can be placed, and the rest are parts; joints start within their ranges.
TEST_F(SceneTest, PartsAndJointsOfVariantsAreChecked) {
  TaskSpec task = Stack();
  task.objects["top"].body = "table";
  EXPECT_NO_THROW(Scene::Compile(task, Panda())) << "it is a part of the table";
  std::map<std::string, PlacementRange>& ranges = task.variants.at("D0").objects;
  for (auto& [name, variant] : task.variants) variant.objects.erase("cubeA");
  ranges["door"].joint = {0.0, 1.0};
  ranges["cubeB_joint0"].joint = {0.0, 1.0};
  ranges["robot0_joint1"].joint = {0.0, 1.0};
  ranges["top"].joint = {0.0, 1.0};
  const std::string message = Refusal(task, Panda());
  EXPECT_THAT(message, HasSubstr("variants.D0.objects: object 'cubeA' is not placed"));
  EXPECT_THAT(message, HasSubstr("variants.D0.objects.door.joint: unknown joint 'door'"));
  EXPECT_THAT(message, HasSubstr("robot0_joint1.joint: 'robot0_joint1' is a joint of the robot, "
                                 "which starts at `home`"));
  EXPECT_THAT(message, HasSubstr("top.joint: 'top' is not moved by one joint: name the joint"));
}

TEST_F(SceneTest, SignalsAndCirclesAreCheckedInTheTaskFile) {
  Json json = LoadYaml(kTaskRoot / "stack" / "task.yaml");
  json["subtasks"][0].erase("signal");
  json["predicates"]["stacked"]["of"] = {"on_b", "success"};
  try {
    ParseTaskSpec(json, "mine.yaml");
    FAIL() << "parsed";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
    EXPECT_THAT(error.what(), HasSubstr("mine.yaml"));
    EXPECT_THAT(error.what(), HasSubstr("subtasks[0].signal: missing"));
    EXPECT_THAT(error.what(), HasSubstr("names itself in a circle"));
  }
}

TEST_F(SceneTest, ATurnedHandNeedsTheHeldObjectReplayed) {
  Json json = LoadYaml(kTaskRoot / "square/task.yaml");
  EXPECT_NO_THROW(ParseTaskSpec(json, "square"));
  json["subtasks"][1]["replay"] = "hand";
  try {
    ParseTaskSpec(json, "square");
    FAIL() << "what is grasped with a turned hand was to be carried by the hand's path";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("subtasks[0].turn_hand: what is grasped with a turned hand "
                                        "is carried wrongly unless subtasks[1].replay is held"));
  }
}

// What another arm does between does not matter.
TEST_F(SceneTest, ATurnedHandConcernsItsOwnArm) {
  Json json = LoadYaml(kTaskRoot / "two_arm_three_piece_assembly/task.yaml");
  EXPECT_NO_THROW(ParseTaskSpec(json, "pair"));
  json["subtasks"][3]["replay"] = "hand";
  try {
    ParseTaskSpec(json, "pair");
    FAIL() << "the first arm carries what it grasped with a turned hand";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("subtasks[0].turn_hand: what is grasped with a turned hand "
                                        "is carried wrongly unless subtasks[3].replay is held"));
    EXPECT_THAT(error.what(), testing::Not(HasSubstr("subtasks[1].turn_hand")));
  }
}

TEST_F(SceneTest, MissingAndBrokenModelsAreNamed) {
  TaskSpec task = Stack();
  task.scene = "nowhere.xml";
  EXPECT_THAT(Refusal(task, Panda()), HasSubstr("nowhere.xml: no such MJCF file"));

  const OwnFolder folder;
  WriteTextAtomically(folder / "broken.xml", "<mujoco><worldbody><body></mujoco>");
  task.folder = folder.path();
  task.scene = "broken.xml";
  EXPECT_THAT(Refusal(task, Panda()), HasSubstr("broken.xml"));
  WriteTextAtomically(folder / "massless.xml",
                      "<mujoco><worldbody><body><freejoint/></body></worldbody></mujoco>");
  task.scene = "massless.xml";
  EXPECT_THAT(Refusal(task, Panda()), HasSubstr("mass"));
}

TEST_F(SceneTest, CrowdedRangesAreAnErrorNotAnEndlessLoop) {
  TaskSpec task = Stack();
  for (auto& [name, range] : task.variants["D0"].objects) range.x = range.y = {0, 0};
  const auto simulator = MakeSimulator(CompileTask(task));
  try {
    simulator->Reset("D0", RngKey{});
    FAIL() << "placed";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFailed);
    EXPECT_THAT(error.what(), HasSubstr("variant 'D0'"));
    EXPECT_THAT(error.what(), HasSubstr("'cubeA' and 'cubeB' overlap"));
  }
}

}  // namespace
}  // namespace understudy
