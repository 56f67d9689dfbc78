#pragma once

#include <string>

#include "app/twin.h"
#include "core/seam/policy.h"
#include "train/command.h"

namespace understudy {

// The twin that a policy is tried in: that of its training, or `task` and `robot` where they are
// given. Errors: of TwinOfPolicy and LoadTwinOf.
Twin TwinOfEvaluation(const EvalCommandOptions& options, const std::string& task,
                      const std::string& robot);

// Throws Error(kBadInput) with every Mismatches of the policy that the user calls `name`.
void RequireFit(const std::string& name, const PolicyInfo& policy, const SimulatorInfo& simulator);

}  // namespace understudy
