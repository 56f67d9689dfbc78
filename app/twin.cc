#include "app/twin.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "app/registry.h"
#include "app/scratch_folder.h"
#include "core/base/error.h"
#include "core/spec/carried_scene.h"
#include "core/spec/listed.h"
#include "data/formats/base/translate.h"
#ifdef WITH_MUJOCO
#include "sim/scene.h"
#endif
#if defined(WITH_MUJOCO) && defined(WITH_OMPL)
#include "mimic/plan/transit_planner.h"
#include "sim/kinematics.h"
#include "sim/state_validity.h"
#endif

namespace understudy {
namespace {

namespace fs = std::filesystem;

bool IsPath(const std::string& place) {
  return place.find('/') != std::string::npos || place.ends_with(".yaml");
}

// `folder` below sim, `file` in every part's folder.
bool IsListed(const char* folder, const char* file, const std::string& name) {
  const std::vector<std::string> names = ListedNames(HomeFolder() / "sim" / folder, file);
  return std::ranges::find(names, name) != names.end();
}

// The absolute path of `file` where `place` leads to one, from here or from the folder `beside`; a
// name as it is.
std::string FromAnywhere(const std::string& place, const char* file, const fs::path& beside) {
  std::error_code none;
  std::vector<fs::path> places{place};
  if (IsPath(place)) places.push_back(beside / place);
  for (const fs::path& path : places) {
    for (const fs::path& found : {path, path / file}) {
      if (!fs::is_regular_file(found, none)) continue;
      return fs::absolute(found).lexically_normal().string();
    }
  }
  return place;
}

}  // namespace

std::string OurTaskName(const DatasetHeader& header) {
  const std::string& name = header.simulator.task;
  const std::string family = header.family;
  if (family.empty()) return name;
  const std::string ours = ListedTaskCalled(family, name, HomeFolder() / "sim" / "tasks");
  return ours.empty() ? name : ours;
}

RobotPlace PlaceOf(const EpisodeSource& dataset) {
  const DatasetHeader& header = dataset.header();
  RobotPlace robot{header.simulator.robot, "", dataset.path().string(), header.has_states()};
  const auto written = header.task.is_object() ? header.task.find("robot") : header.task.end();
  if (written != header.task.end() && written->is_string()) robot.place = *written;
  return robot;
}

std::string FindRobot(const RobotPlace& robot) {
  std::string problem;
  if (IsPath(robot.place)) {
    try {
      const RobotSpec found = LoadRobotSpec(robot.place, HomeFolder() / "sim" / "robots");
      if (found.name == robot.name) return robot.place;
      problem = fmt::format("{} is of robot '{}'", robot.place, found.name);
    } catch (const Error& error) {
      problem = error.what();
    }
  }
  const auto [arm, gripper] = SplitRobot(robot.name);
  const bool listed = IsListed("robots", "robot.yaml", arm) &&
                      (gripper.empty() || IsListed("grippers", "gripper.yaml", gripper));
  if (listed) return robot.name;
  // what did not come from this program's simulator has no robot.yaml
  if (problem.empty() && !robot.ours) return "";
  if (problem.empty()) problem = "`understudy list` does not have it";
  ThrowBadInput(
      fmt::format("{}: was made with robot '{}', which is not found ({}): name its robot.yaml with "
                  "--robot",
                  robot.user, robot.name, problem));
}

std::string OurRobot(const EpisodeSource& dataset) {
  return dataset.header().family.empty() ? FindRobot(PlaceOf(dataset)) : "";
}

namespace {

// The robot of a task: `robot`, or where that is empty the one that the task names.
void TakeRobot(const std::string& robot, TaskSpecs* specs) {
  // a task.yaml may name its robot from its own folder
  const fs::path beside = robot.empty() ? specs->task.folder : fs::path();
  if (!robot.empty()) specs->task.robot = robot;
  // datasets keep the place: it must hold in every folder
  const auto [arm, gripper] = SplitRobot(specs->task.robot);
  specs->task.robot = FromAnywhere(arm, "robot.yaml", beside);
  if (!gripper.empty()) specs->task.robot += "+" + FromAnywhere(gripper, "gripper.yaml", beside);
  try {
    specs->robot = LoadRobotSpec(specs->task.robot, HomeFolder() / "sim" / "robots");
  } catch (const Error& error) {
    if (!robot.empty() || error.kind() != ErrorKind::kUsage) throw;
    ThrowBadInput(
        fmt::format("task '{}' ({}): robot: {}", specs->task.name, beside.string(), error.what()));
  }
  // an arm's own gripper need not be said: the same robot has the same name in datasets
  if (SplitRobot(specs->robot.name).second.empty()) {
    specs->task.robot = SplitRobot(specs->task.robot).first;
  }
}

// What a dataset or a policy says of the twin that it was made in.
struct MadeIn {
  std::string task;                       // its name
  std::function<std::string()> robot;     // as FindRobot
  std::function<CarriedScene()> scene{};  // that it carries; empty: none
};

// As LoadTwinOf says: a listed part that is not found, or is another one under the same name, is
// taken from what is carried.
TaskSpecs SpecsOf(const MadeIn& made, const std::string& task, const std::string& robot) {
  const std::string name = task.empty() ? made.task : task;
  std::optional<CarriedScene> read;
  const auto scene = [&]() -> const CarriedScene& {
    return read ? *read : read.emplace(made.scene());
  };
  const auto takes_robot = [&] {
    std::string place;
    try {
      place = made.robot();
    } catch (const Error&) {
      return true;
    }
    return !IsPath(place) && !scene().Is(LoadRobotSpec(place, HomeFolder() / "sim" / "robots"));
  };
  const bool carries = made.scene != nullptr;
  const bool take_task = carries && task.empty() &&
                         (!IsListed("tasks", "task.yaml", name) ||
                          !scene().Is(LoadTaskSpec(name, HomeFolder() / "sim" / "tasks")));
  const bool take_robot = carries && robot.empty() && (take_task || takes_robot());
  if (!take_task && !take_robot) return LoadSpecs(name, robot.empty() ? made.robot() : robot);
  TaskSpecs specs{scene().task, scene().robot};
  // data do not hold what guards the commands of a listed robot
  try {
    const RobotSpec listed = LoadRobotSpec(specs.robot.name, HomeFolder() / "sim" / "robots");
    if (scene().Is(listed)) specs.robot.safety = listed.safety;
  } catch (const Error&) {
    // it is not listed
  }
  if (!take_robot) TakeRobot(robot, &specs);
  if (!take_task) {
    specs.task = LoadTaskSpec(name, HomeFolder() / "sim" / "tasks");
    specs.task.robot = scene().task.robot;
  }
  return specs;
}

// `scratch` holds the files of a carried scene.
MadeIn MadeInOf(const EpisodeSource& dataset, std::unique_ptr<ScratchFolder>& scratch) {
  MadeIn made{OurTaskName(dataset.header()), [&] { return OurRobot(dataset); }};
  if (dataset.header().scene_files.empty()) return made;
  made.scene = [&] {
    scratch = std::make_unique<ScratchFolder>();
    const fs::path& folder = scratch->path();
    WriteScene(dataset.header().scene_files, folder, dataset.path().string());
    return ReadScene(folder, dataset.path().string());
  };
  return made;
}

}  // namespace

TaskSpecs LoadSpecs(const std::string& task, const std::string& robot) {
  if (task.empty()) ThrowUsage("task: name one; `understudy list` shows them");
  TaskSpecs specs;
  specs.task = LoadTaskSpec(task, HomeFolder() / "sim" / "tasks");
  TakeRobot(robot, &specs);
  return specs;
}

namespace {

// `files` are those that the specs are read from, where they would go otherwise: worlds are
// compiled from them later too.
Twin MakeTwin(const TaskSpecs& specs, const std::string& subtasks,
              [[maybe_unused]] std::unique_ptr<ScratchFolder> files = nullptr) {
  Twin twin;
  twin.task = specs.task;
  twin.robot = specs.robot;
  if (!subtasks.empty()) ReadSubtasks(subtasks, &twin.task);
#ifdef WITH_MUJOCO
  struct Kept {
    std::unique_ptr<ScratchFolder> files;
    std::shared_ptr<const Scene> scene;
  };
  const auto kept =
      std::make_shared<const Kept>(Kept{std::move(files), Scene::Compile(twin.task, twin.robot)});
  const std::shared_ptr<const Scene> scene(kept, kept->scene.get());
  twin.info = scene->info();
  twin.simulators = [scene] { return MakeSimulator(scene); };
  twin.renderers_with = [scene](const RenderOptions& render) -> RendererFactory {
    return [scene, render] { return MakeRenderer(scene, render); };
  };
  twin.renderers = twin.renderers_with({});
  twin.views = [scene] { return MakeSceneView(scene); };
#ifdef WITH_OMPL
  twin.planners = [scene] {
    return MakeTransitPlanner(MakeKinematics(scene), MakeStateValidity(scene));
  };
#endif
  return twin;
#else
  ThrowUsage(
      "this program was built without MuJoCo, which simulation needs: run `make setup`, then "
      "configure with -DWITH_MUJOCO=ON and build again");
#endif
}

}  // namespace

Twin LoadTwin(const std::string& task, const std::string& robot, const std::string& subtasks) {
  return MakeTwin(LoadSpecs(task, robot), subtasks);
}

Twin LoadTwin(const TaskSpecs& specs) { return MakeTwin(specs, ""); }

TaskSpecs LoadSpecsOf(const EpisodeSource& dataset, const std::string& task,
                      const std::string& robot) {
  std::unique_ptr<ScratchFolder> scratch;
  return SpecsOf(MadeInOf(dataset, scratch), task, robot);
}

Twin LoadTwinOf(const EpisodeSource& dataset, const std::string& task, const std::string& robot,
                const std::string& subtasks) {
  std::unique_ptr<ScratchFolder> scratch;
  const TaskSpecs specs = SpecsOf(MadeInOf(dataset, scratch), task, robot);
  return MakeTwin(specs, subtasks, std::move(scratch));
}

Twin LoadTwinOf(const PolicyPlace& policy, const std::string& task, const std::string& robot) {
  MadeIn made{policy.task, [&] { return FindRobot(policy.robot); }};
  if (!policy.scene.empty()) {
    made.scene = [&] { return ReadScene(policy.scene, policy.robot.user); };
  }
  return MakeTwin(SpecsOf(made, task, robot), "");
}

}  // namespace understudy
