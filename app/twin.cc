#include "app/twin.h"

#include <algorithm>

#include "app/registry.h"
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

std::string OurTaskName(const DatasetHeader& header) {
  const std::string& name = header.simulator.task;
  const std::string family = header.family;
  if (family.empty()) return name;
  const std::string ours = ListedTaskCalled(family, name, HomeFolder() / "sim" / "tasks");
  return ours.empty() ? name : ours;
}

std::string OurRobotName(const DatasetHeader& header) {
  const auto is_listed = [](const char* folder, const char* file, const std::string& name) {
    const std::vector<std::string> names = ListedNames(HomeFolder() / "sim" / folder, file);
    return std::ranges::find(names, name) != names.end();
  };
  const std::string& name = header.simulator.robot;
  const auto [arm, gripper] = SplitRobot(name);
  const bool ours = header.family.empty() && is_listed("robots", "robot.yaml", arm) &&
                    (gripper.empty() || is_listed("grippers", "gripper.yaml", gripper));
  return ours ? name : "";
}

TaskSpecs LoadSpecs(const std::string& task, const std::string& robot) {
  if (task.empty()) ThrowUsage("task: name one; `understudy list` shows them");
  TaskSpecs specs;
  specs.task = LoadTaskSpec(task, HomeFolder() / "sim" / "tasks");
  if (!robot.empty()) specs.task.robot = robot;
  specs.robot = LoadRobotSpec(specs.task.robot, HomeFolder() / "sim" / "robots");
  // an arm's own gripper need not be said: the same robot has the same name in datasets
  if (SplitRobot(specs.robot.name).second.empty()) {
    specs.task.robot = SplitRobot(specs.task.robot).first;
  }
  return specs;
}

Twin LoadTwin(const std::string& task, const std::string& robot, const std::string& subtasks) {
  const TaskSpecs specs = LoadSpecs(task, robot);
  Twin twin;
  twin.task = specs.task;
  twin.robot = specs.robot;
  if (!subtasks.empty()) ReadSubtasks(subtasks, &twin.task);
#ifdef WITH_MUJOCO
  const std::shared_ptr<const Scene> scene = Scene::Compile(twin.task, twin.robot);
  twin.info = scene->info();
  twin.simulators = [scene] { return MakeSimulator(scene); };
  twin.renderers_with = [scene](const RenderOptions& render) -> RendererFactory {
    return [scene, render] { return MakeRenderer(scene, render); };
  };
  twin.renderers = twin.renderers_with({});
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

}  // namespace understudy
