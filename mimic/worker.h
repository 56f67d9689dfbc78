#pragma once

#include <memory>
#include <utility>

#include "data/seam/simulator.h"
#include "data/spec/task_spec.h"
#include "mimic/transit.h"

namespace understudy {

// What each worker makes its own of, on its thread.
struct WorkerSeams {
  WorkerSeams(SimulatorFactory simulator_factory, TransitPlannerFactory planner_factory = {})
      : simulator(std::move(simulator_factory)), planner(std::move(planner_factory)) {}
  SimulatorFactory simulator;
  TransitPlannerFactory planner;  // asked only where NeedsPlanner(task); may be empty otherwise
};

// What one worker runs attempts with; belongs to its thread.
struct Worker {
  std::unique_ptr<Simulator> simulator;
  std::unique_ptr<TransitPlanner> planner;  // null where the task asks for none
};

// Throws Error(kUsage) for a task that needs a planner where there is none, or for several arms.
Worker MakeWorker(const TaskSpec& task, const WorkerSeams& seams);

}  // namespace understudy
