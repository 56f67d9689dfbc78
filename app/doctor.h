#pragma once

#include <string>

#include "core/base/json.h"

namespace understudy {

// What works on this machine: every library with its version, the OpenXR runtime, the OpenGL
// renderer, GPUs, memory and disk; and for each problem the one-line fix. Never throws.
Json Diagnose();
std::string DescribeDiagnosis(const Json& diagnosis);

// Everything that can be named on the command line: tasks, robots, randomizers, policies, devices.
Json ListParts();
std::string DescribeParts(const Json& parts);

}  // namespace understudy
