#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/base/options.h"
#include "teleop/command.h"

namespace understudy {

// What an operator records in one sitting, as in a plan's file.
struct PlannedTask {
  std::string name;
  std::string task = "stack", robot, variant = "D0", instruction;
  int demos = 10;
  static constexpr std::array kUnwritten{"name", "robot", "instruction"};
  template <class V>
  void Visit(V& v) {
    v("name", name, "of its folder; empty: task_variant");
    v("task", task, "listed task or path of a task.yaml");
    v("robot", robot, "as teleop's; empty: the task's");
    v("variant", variant, "reset distribution of the task");
    v("instruction", instruction, "shown to the operator and stored; empty: the task's");
    v("demos", demos, "demonstrations of each operator", Limits{1, 100000});
  }
};

struct SessionPlan {
  uint64_t seed = 1;
  int cover = 3;
  std::vector<PlannedTask> tasks;
  template <class V>
  void Visit(V& v) {
    v("seed", seed, "of all starts; those of each operator and station differ");
    v("cover", cover, "as teleop's, over what all operators have recorded in the folder",
      Limits{0, 100});
    v("tasks", tasks, "one after the other");
  }
};

// Throws Error(kBadInput) with all violations.
SessionPlan LoadSessionPlan(const std::filesystem::path& file);

// The name of a task's folder.
std::string FolderName(const PlannedTask& task);

// How a task of the plan is recorded: into <out>/<its folder>/<station>_<operator>.h5, where `out`,
// operator, station and how attempts are recorded are those of `base`. Throws Error(kUsage) where
// neither operator nor station is said, or one makes no name of a file.
TeleopOptions OptionsOf(const SessionPlan& plan, const PlannedTask& task,
                        const TeleopOptions& base);

// The datasets in the folder of `options.out`, that file left out: what others have recorded.
std::vector<std::string> RecordedByOthers(const TeleopOptions& options);

}  // namespace understudy
