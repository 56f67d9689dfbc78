#pragma once

#include <functional>
#include <string>

#include "core/seam/dataset_header.h"
#include "core/seam/render_options.h"
#include "core/seam/renderer.h"
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
  TransitPlannerFactory planners;  // empty where the program was built without OMPL
};

// The listed task that a dataset is of: its own name, or the one that another program's file means.
std::string OurTaskName(const DatasetHeader& header);

// The listed robot that a dataset was made with ("panda", "panda+wide"); empty: another program's,
// or one that is not listed.
std::string OurRobotName(const DatasetHeader& header);

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

}  // namespace understudy
