#pragma once

#include <string>

#include "core/base/json.h"

namespace understudy {

// What works on this machine: every library with its version, the OpenXR runtime, the OpenGL
// renderer, GPUs and memory; the space and the locks of `folder`; and for each problem the one-line
// fix. Throws Error(kUsage) if there is no such folder.
Json Diagnose(const std::string& folder = ".");
std::string DescribeDiagnosis(const Json& diagnosis);

}  // namespace understudy
