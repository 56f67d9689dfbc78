#pragma once

#include <memory>
#include <string>

#include "core/seam/policy.h"

namespace understudy {

// The policy behind `address` (`understudy serve`); `token_file`, unless empty, holds its token.
// Errors: of OpenRemotePolicy, and Error(kUsage) where this program was built without serving.
std::unique_ptr<Policy> PolicyOfServer(const std::string& address, const std::string& token_file);

}  // namespace understudy
