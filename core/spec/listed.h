#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace understudy {

// The names of the folders below `root` that hold `file`, sorted: how tasks (task.yaml), robots
// (robot.yaml) and grippers (gripper.yaml) are found. Empty where `root` is no folder.
std::vector<std::string> ListedNames(const std::filesystem::path& root, const char* file);

// The file that `place` means: the name of a listed folder, or the path of a folder or of the file
// itself. `kind` is what messages call it. Throws Error(kBadInput) where a path leads to no such
// file, Error(kUsage) for a name that is not listed.
std::filesystem::path FindListed(const char* kind, const std::string& place,
                                 const std::filesystem::path& root, const char* file);

// Whether `file` lies in a folder below `root`, as that of a listed part does.
bool IsBelow(const std::filesystem::path& file, const std::filesystem::path& root);

}  // namespace understudy
