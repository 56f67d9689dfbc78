#include "core/spec/carried_scene.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/base/json.h"
#include "core/base/options.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

constexpr const char* kDescription = "scene.json";

struct Description {
  Json task, robot, gripper;
  SceneFolders folders;
  template <class V>
  void Visit(V& v) {
    v("task", task, "task.yaml, resolved");
    v("robot", robot, "robot.yaml, resolved");
    v("gripper", gripper, "gripper.yaml of what it carries");
    v("task_folder", folders.task, "");
    v("robot_folder", folders.robot, "");
    v("gripper_folder", folders.gripper, "");
  }
};

// Where a path leads below `folder`. Paths come from other people's files.
fs::path Below(const fs::path& folder, const std::string& path, const std::string& name) {
  const fs::path given(path), whole = given.lexically_normal();
  const bool inside = !whole.empty() && whole.is_relative() && *whole.begin() != "..";
  if (!inside) ThrowBadInput(fmt::format("{}: the scene's file '{}' leads out", name, path));
  return folder / whole;
}

void WriteFile(const fs::path& file, const std::string& content) {
  std::error_code none;
  fs::create_directories(file.parent_path(), none);
  std::ofstream stream(file, std::ios::binary);
  stream.write(content.data(), static_cast<std::streamsize>(content.size()));
  stream.close();
  if (!stream) ThrowFailed(file.string() + ": cannot be written");
}

// Whether all files below `root`, as seen from `carried`, are those seen from `other`.
bool SameFiles(const fs::path& root, const fs::path& carried, const fs::path& other) {
  if (!fs::exists(root)) return true;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    const fs::path twin = other / entry.path().lexically_relative(carried);
    if (!fs::is_regular_file(twin) || ReadText(entry.path()) != ReadText(twin)) return false;
  }
  return true;
}

}  // namespace

bool CarriedScene::Is(const TaskSpec& other) const {
  TaskSpec named = other;
  named.robot = task.robot;
  named.scene = fs::path(other.scene).filename().string();
  return ToJson(named) == ToJson(task) &&
         SameFiles(folder / "task", task.folder, (other.folder / other.scene).parent_path());
}

bool CarriedScene::Is(const RobotSpec& other) const {
  RobotSpec named = other;
  named.model = fs::path(other.model).filename().string();
  return DescribeRobot(named) == DescribeRobot(robot) &&
         SameFiles(folder / "robot", robot.folder, (other.folder / other.model).parent_path()) &&
         SameFiles(folder / "gripper", robot.gripper.folder, other.gripper.folder);
}

SceneFile DescribeScene(const TaskSpec& task, const RobotSpec& robot, const SceneFolders& folders) {
  const Description description{ToJson(task), CarriedRobot(robot), ToJson(robot.gripper), folders};
  const std::string text = ToJson(description).dump();
  return {kDescription, ContentHash(text), [text] { return text; }};
}

void WriteScene(const std::vector<SceneFile>& files, const fs::path& folder,
                const std::string& name) {
  for (const SceneFile& file : files) WriteFile(Below(folder, file.path, name), file.read());
}

CarriedScene ReadScene(const fs::path& folder, const std::string& name) {
  const fs::path file = folder / kDescription;
  if (!fs::exists(file)) {
    ThrowBadInput(fmt::format("{}: the scene has no {}", name, kDescription));
  }
  const std::string place = name + ": " + kDescription;
  const auto described = FromJson<Description>(ParseJson(ReadText(file), place), place);
  CarriedScene scene;
  scene.folder = folder;
  scene.task = ParseTaskSpec(described.task, place + ": task");
  scene.robot = FromJson<RobotSpec>(described.robot, place + ": robot");
  scene.robot.carries_safety = described.robot.contains("safety");
  scene.robot.gripper = FromJson<GripperSpec>(described.gripper, place + ": gripper");
  // what is made of it carries it on
  scene.task.listed = scene.robot.listed = scene.robot.gripper.listed = false;
  scene.task.folder = Below(folder, described.folders.task, name);
  scene.robot.folder = Below(folder, described.folders.robot, name);
  scene.robot.gripper.folder = Below(folder, described.folders.gripper, name);
  return scene;
}

}  // namespace understudy
