#include "mimic/attempt/worker.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"

namespace understudy {

Worker MakeWorker(const TaskSpec& task, const WorkerSeams& seams) {
  Worker worker;
  worker.simulator = seams.simulator();
  worker.world = seams.world;
  const bool beside = std::any_of(
      task.subtasks.begin(), task.subtasks.end(),
      [](const Subtask& subtask) { return subtask.start_shift > 0 || subtask.start_turn > 0; });
  const size_t arms = worker.simulator->info().arms.size();
  if ((NeedsPlanner(task) || beside) && arms != 1) {
    ThrowUsage(
        fmt::format("task '{}' has {} arms: transit = plan, start_shift and start_turn are for one",
                    task.name, arms));
  }
  if (NeedsPlanner(task)) {
    if (!seams.planner) {
      ThrowUsage(fmt::format(
          "task '{}' has subtasks with transit = plan, which this program was built without: "
          "install OMPL (libompl-dev), configure with -DWITH_OMPL=ON and build again, or use "
          "transit = bridge",
          task.name));
    }
    if (worker.world) {
      ThrowUsage(
          fmt::format("task '{}' has subtasks with transit = plan, whose ways are planned in the "
                      "nominal world: "
                      "give --transit bridge to generate in varied ones",
                      task.name));
    }
    worker.planner = seams.planner();
  }
  return worker;
}

}  // namespace understudy
