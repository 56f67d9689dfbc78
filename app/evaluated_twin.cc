#include "app/evaluated_twin.h"

#include <fmt/format.h>

#include "core/base/error.h"

namespace understudy {

Twin TwinOfEvaluation(const EvalCommandOptions& options, const std::string& task,
                      const std::string& robot) {
  const TwinOfTraining trained = TwinOfPolicy(options, task, robot);
  const RobotPlace place{trained.robot, trained.robot_place, options.checkpoint};
  return LoadTwinOf({trained.task, place, trained.scene}, task, robot);
}

void RequireFit(const std::string& name, const PolicyInfo& policy, const SimulatorInfo& simulator) {
  const std::vector<std::string> problems = Mismatches(policy, simulator);
  if (problems.empty()) return;
  ThrowBadInput(fmt::format("policy '{}' does not fit robot '{}': {}", name, simulator.robot,
                            fmt::join(problems, "; ")));
}

}  // namespace understudy
