#pragma once

#include <string>

#include "core/base/json.h"

namespace understudy {

// Everything that can be named on the command line: tasks with their variants, robots, grippers,
// randomizers, formats, policies, devices, plans and pipelines.
Json ListParts();
std::string DescribeParts(const Json& parts);

}  // namespace understudy
