#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "core/seam/dataset_header.h"
#include "core/seam/episode_source.h"
#include "core/seam/render_options.h"
#include "core/seam/renderer.h"
#include "core/seam/scene_view.h"
#include "core/seam/simulator.h"
#include "core/spec/robot_spec.h"
#include "core/spec/task_spec.h"
#include "mimic/attempt/transit.h"

namespace understudy {

// A task as the stages take it: its spec and makers of its simulators, renderers and planners.
struct Twin {
  TaskSpec task;
  RobotSpec robot;
  SimulatorInfo info;
  SimulatorFactory simulators;
  RendererFactory renderers;  // as by default
  std::function<RendererFactory(const RenderOptions&)> renderers_with;
  SceneViewFactory views;          // for pages
  TransitPlannerFactory planners;  // empty where the program was built without OMPL
};

// The listed task that a dataset is of: its own name, or the one that another program's file means.
std::string OurTaskName(const DatasetHeader& header);

// The robot that a dataset or a policy says it was made with.
struct RobotPlace {
  std::string name;   // "panda", "panda+wide"
  std::string place;  // as LoadTwin takes it: a path where it was given by path
  std::string user;   // what messages call the dataset or policy
  bool ours = false;  // made in this program's simulator
};

// As LoadTwin takes it: `place` where it leads to a robot of that name, else a listed one. Empty:
// of neither, and not `ours`. Throws Error(kBadInput) where one of ours is not found.
std::string FindRobot(const RobotPlace& robot);

// FindRobot of what a dataset says; empty for another program's.
std::string OurRobot(const EpisodeSource& dataset);

// What stands in the files of a task and its robot; needs no simulator.
struct TaskSpecs {
  TaskSpec task;
  RobotSpec robot;
};

// As LoadTwin, without the simulator.
TaskSpecs LoadSpecs(const std::string& task, const std::string& robot = "");

// `task` is a listed task or the path of a task.yaml, `robot` a listed robot or the path of a
// robot.yaml, with "+gripper" as in LoadRobotSpec, that takes the place of the task's own; empty:
// that one. `subtasks` is a file that is read over the task's (ReadSubtasks); empty: none. Throws
// Error(kUsage) for unknown ones, and where the program was built without MuJoCo.
Twin LoadTwin(const std::string& task, const std::string& robot = "",
              const std::string& subtasks = "");

// The twin of these specs; the rest as above.
Twin LoadTwin(const TaskSpecs& specs);

// As LoadTwinOf, without the simulator.
TaskSpecs LoadSpecsOf(const EpisodeSource& dataset, const std::string& task,
                      const std::string& robot);

// The twin of what a dataset was made in: `task` and `robot`, where they are given, are as in
// LoadTwin; else the listed ones that it names, or the scene that it carries, where these are not
// found or are others under the same names.
Twin LoadTwinOf(const EpisodeSource& dataset, const std::string& task, const std::string& robot,
                const std::string& subtasks = "");

// What a policy says of the data that it was trained on.
struct PolicyPlace {
  std::string task;  // empty: it names none
  RobotPlace robot;
  std::filesystem::path scene;  // folder of WriteScene; empty: it carries none
};
Twin LoadTwinOf(const PolicyPlace& policy, const std::string& task, const std::string& robot);

}  // namespace understudy
