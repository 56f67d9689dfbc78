#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace understudy {

// Copies `input`, a file of another program, and adds or replaces the filter keys `masks` (names of
// episodes by key); everything else stays as it is. Made as `<output>.part` and renamed when
// whole. Throws Error(kUsage) where `output` exists (unless `overwrite`) or is the input.
void CopyWithMasks(const std::filesystem::path& input, const std::filesystem::path& output,
                   const std::map<std::string, std::vector<std::string>>& masks, bool overwrite);

}  // namespace understudy
