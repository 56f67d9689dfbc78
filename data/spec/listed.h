#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace understudy {

// The names of the folders below `root` that hold `file`, sorted: how tasks (task.yaml) and robots
// (robot.yaml) are found. Empty where `root` is no folder.
std::vector<std::string> ListedNames(const std::filesystem::path& root, const char* file);

}  // namespace understudy
