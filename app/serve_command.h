#pragma once

#include <memory>
#include <string>

#include "core/seam/policy.h"
#include "core/seam/simulator.h"

namespace understudy {

// The policy behind `address` for the robot of `simulator`; `token_file`, unless empty, holds its
// token. `map_file`, unless empty, says what the parts of another program's server are
// (serve/policy_map.h); `understudy serve` says it itself. Errors: of OpenRemotePolicy and
// OpenMappedPolicy, and Error(kUsage) where this program was built without serving.
std::unique_ptr<Policy> PolicyOfServer(const std::string& address, const std::string& token_file,
                                       const std::string& map_file, const SimulatorInfo& simulator);

}  // namespace understudy
