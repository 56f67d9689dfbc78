#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "core/base/json.h"
#include "core/seam/drawn_world.h"
#include "core/seam/simulator.h"
#include "core/spec/task_spec.h"
#include "mimic/attempt/transit.h"

namespace understudy {

// What each worker makes its own of, on its thread.
struct WorkerSeams {
  WorkerSeams(SimulatorFactory simulator_factory, TransitPlannerFactory planner_factory = {},
              Json robot_description = {})
      : simulator(std::move(simulator_factory)),
        planner(std::move(planner_factory)),
        robot(std::move(robot_description)) {}
  SimulatorFactory simulator;
  TransitPlannerFactory planner;  // asked only where NeedsPlanner(task); may be empty otherwise
  Json robot;                     // robot that the simulator drives (DescribeRobot); null: unknown
  DrawWorld world;  // of the attempt with this key; empty: all are made in the nominal world
};

// What one worker runs attempts with; belongs to its thread.
struct Worker {
  std::unique_ptr<Simulator> simulator;
  std::unique_ptr<TransitPlanner> planner;  // null where the task asks for none
  DrawWorld world;                          // of WorkerSeams
};

// Throws Error(kUsage) for a task that needs a planner where there is none, or for several arms, or
// for worlds of their own.
Worker MakeWorker(const TaskSpec& task, const WorkerSeams& seams);

// The workers of a pool (RunOrdered), each made where it is first asked for, on its own thread.
class Workers {
 public:
  // Keeps the references.
  Workers(const TaskSpec& task, const WorkerSeams& seams, int count)
      : task_(task), seams_(seams), workers_(static_cast<size_t>(count)) {}
  int count() const { return static_cast<int>(workers_.size()); }
  Worker& operator[](int place) {
    Worker& worker = workers_[static_cast<size_t>(place)];
    if (!worker.simulator) worker = MakeWorker(task_, seams_);
    return worker;
  }
  const std::vector<Worker>& made() const { return workers_; }  // without simulator: not yet

 private:
  const TaskSpec& task_;
  const WorkerSeams& seams_;
  std::vector<Worker> workers_;
};

}  // namespace understudy
