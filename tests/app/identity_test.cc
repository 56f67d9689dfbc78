// Texts that are hashed into uuids, content hashes and pipeline keys, whole: a changed byte is
// another identity of every dataset that is made from then on. tests/golden/identity.json holds
// them; tests/augment/golden holds plans and draws of randomizers.
// UNDERSTUDY_WRITE_GOLDEN=FILE writes what they are now, for a change that is meant.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "app/registry.h"
#include "core/base/json.h"
#include "core/spec/robot_spec.h"
#include "core/spec/task_spec.h"
#include "data/store/meta.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

const fs::path kSim = UNDERSTUDY_SOURCE_DIR "/sim";

std::vector<std::string> FoldersWith(const fs::path& folder, const char* file) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (fs::exists(entry.path() / file)) names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// A dataset of two arms; the settings are those of a test.
DatasetHeader TwoArms() {
  DatasetHeader header;
  SimulatorInfo& info = header.simulator;
  info.task = "two_arm_task";
  info.robot = "panda";
  info.instruction = "do \"it\"";
  info.variants = {"D0", "D1"};
  info.arms = {"robot0", "robot1"};
  info.objects = {"cubeA", "cubeB"};
  info.signals = {"grasp"};
  info.joint_names = {{"a1", "a2"}, {"b1", "b2"}};
  info.gripper_joint_names = {{"g1"}, {"h1"}};
  info.cameras = {"front"};
  info.state_size = 17;
  info.flat_state_size = 9;
  info.X_WB = {Pose(), Pose::FromTranslation({0.1, -0.25, 1.0 / 3})};
  header.stage = "mimic";
  header.task = {{"name", "two_arm_task"}};
  header.settings = {{"seed", 18446744073709551615u}, {"scale", 0.1}};
  header.cameras = {"front"};
  header.image_width = 84;
  header.image_height = 63;
  header.parents = {"0123456789abcdef"};
  return header;
}

Json Identities() {
  Json texts = Json::object();
  for (const std::string& name : FoldersWith(kSim / "tasks", "task.yaml")) {
    texts["task " + name] = ToJson(LoadTaskSpec(name, kSim / "tasks")).dump();
  }
  for (const std::string& name : FoldersWith(kSim / "robots", "robot.yaml")) {
    const RobotSpec robot = LoadRobotSpec(name, kSim / "robots");
    texts["robot " + name] = DescribeRobot(robot).dump();
    texts["carried robot " + name] = CarriedRobot(robot).dump();
  }
  texts["header of two arms"] = HeaderToJson(TwoArms()).dump();
  for (const Command& command : AllCommands()) {
    texts["options of " + command.name] = ResultOptions(command.defaults, command.fields).dump();
  }
  return texts;
}

TEST(Identity, TextsKeepTheirBytes) {
  const Json texts = Identities();
  if (const char* file = std::getenv("UNDERSTUDY_WRITE_GOLDEN")) {
    WriteTextAtomically(file, texts.dump(1) + "\n");
    GTEST_SKIP() << "written to " << file;
  }
  const Json golden = LoadJson(UNDERSTUDY_SOURCE_DIR "/tests/golden/identity.json");
  for (const auto& [name, text] : golden.items()) {
    ASSERT_TRUE(texts.contains(name)) << name << " is no more";
    EXPECT_EQ(texts[name].get<std::string>(), text.get<std::string>()) << name;
  }
  // an entry that was added is another identity only for what is new: it is recorded all the same
  for (const auto& [name, text] : texts.items()) {
    EXPECT_TRUE(golden.contains(name)) << name << " is not in tests/golden/identity.json";
  }
}

}  // namespace
}  // namespace understudy
