#include "app/joint_robot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "app/registry.h"
#include "app/twin.h"
#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/spec/listed.h"
#include "data/formats/base/joint_poses.h"
#ifdef WITH_MUJOCO
#include "sim/kinematics.h"
#include "sim/scene.h"
#endif

namespace understudy {
namespace {

namespace fs = std::filesystem;

std::string Lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

// What a dataset may mean its robot by: a name, or a word of Isaac Lab's environments
// ("Isaac-Stack-Cube-Franka-v0").
std::vector<std::string> NamesIn(const DatasetHeader& header) {
  std::vector<std::string> names;
  if (!header.simulator.robot.empty()) names.push_back(Lower(header.simulator.robot));
  if (header.family != kIsaacLabFamily) return names;
  std::string word;
  for (const char c : Lower(header.simulator.task) + "-") {
    if (c != '-') {
      word += c;
    } else if (!word.empty()) {
      names.push_back(std::exchange(word, ""));
    }
  }
  return names;
}

bool GoesBy(const RobotSpec& robot, const std::vector<std::string>& names) {
  const auto is = [&](const std::string& name) {
    return std::ranges::find(names, Lower(name)) != names.end();
  };
  if (is(robot.name)) return true;
  for (const auto& [family, foreign] : robot.foreign) {
    if (std::ranges::any_of(foreign.names, is)) return true;
  }
  return false;
}

// As LoadTwin takes it.
std::string RobotOf(const EpisodeSource& source, const std::string& task,
                    const std::string& robot) {
  const fs::path root = HomeFolder() / "sim" / "robots";
  const std::vector<std::string> names = NamesIn(source.header());
  // several may go by one name: the given one and the task's own come first
  std::vector<std::string> places;
  if (!robot.empty()) places.push_back(robot);
  try {
    if (!task.empty()) places.push_back(LoadSpecs(task).task.robot);
  } catch (const Error& error) {
    ThrowBadInput(fmt::format(
        "{}: holds no poses of the hand, and to make them of its joints its task must be known "
        "here: {}; --task says which it is, or `foreign` in a task.yaml; `--to lerobot` takes all "
        "columns as they are",
        source.path().string(), error.what()));
  }
  for (std::string& listed : ListedNames(root, "robot.yaml")) places.push_back(std::move(listed));
  for (const std::string& place : places) {
    if (GoesBy(LoadRobotSpec(place, root), names)) return place;
  }
  if (!robot.empty()) return robot;
  ThrowBadInput(fmt::format(
      "{}: holds no poses of the hand, and of which robot its joints are is not known ({}): name "
      "it with --robot or in a --map (`understudy list` shows the robots), or write the dataset's "
      "name for it to `foreign` in its robot.yaml",
      source.path().string(),
      source.header().simulator.robot.empty()
          ? "it does not say"
          : fmt::format("it says '{}'", source.header().simulator.robot)));
}

}  // namespace

FindJointRobot JointRobotFor([[maybe_unused]] const std::string& task,
                             [[maybe_unused]] const std::string& robot) {
#ifdef WITH_MUJOCO
  return [task, robot](const EpisodeSource& source) -> std::shared_ptr<const JointRobot> {
    const DatasetHeader& header = source.header();
    const std::string of = task.empty() ? OurTaskName(header) : task;
    const TaskSpecs specs = LoadSpecs(of, RobotOf(source, of, robot));
    const std::shared_ptr<const Scene> scene = Scene::Compile(specs.task, specs.robot);
    auto found = std::make_shared<JointRobot>();
    found->info = scene->info();
    found->joints = specs.robot.joints;
    const auto foreign = specs.robot.foreign.find(header.family);
    if (foreign != specs.robot.foreign.end()) found->X_SE = foreign->second.X_SE;
    found->identity = {{"robot", specs.robot.name}, {"model", ContentHash(scene->model_text())}};
    for (size_t a = 0; a < found->info.arms.size(); ++a) {
      found->arms.push_back(MakeKinematics(scene, {}, a));
    }
    return found;
  };
#else
  return {};
#endif
}

std::string RobotOfJoints(const EpisodeSource& source, const std::string& task,
                          const std::string& robot) {
  if (!robot.empty() || !HasPosesOfJoints(source)) return robot;
  return RobotOf(source, task.empty() ? OurTaskName(source.header()) : task, "");
}

void SayPosesOfJoints(const EpisodeSource& source, Progress& progress) {
  if (!HasPosesOfJoints(source) || source.episodes().empty()) return;
  std::string targets;
  try {
    targets = source.ReadMeta(0).settings.value("target_from", "");
  } catch (const Error&) {
    return;  // whoever reads the episode hears why
  }
  progress.Message(fmt::format(
      "{}: poses of the hand from its joints, by the kinematics of '{}'; targets from {}",
      source.path().string(), source.header().simulator.robot, targets));
}

}  // namespace understudy
