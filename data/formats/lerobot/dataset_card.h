#pragma once

#include <string>

#include "core/base/json.h"

namespace understudy {

// README.md of a LeRobot dataset as the hub's pages show it: its front matter makes the dataset
// found by LeRobot's tag and its rows shown by the viewer. `info` is info.json, `instruction` the
// first task. The licence is the owner's to choose.
std::string DatasetCard(const Json& info, const std::string& instruction);

}  // namespace understudy
