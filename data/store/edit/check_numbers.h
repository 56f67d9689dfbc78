#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/progress.h"

namespace understudy {

// Compares everything but the pictures of the named episodes with the hashes that were stored with
// them. Throws Error(kBadInput) naming the file, the episode and the column that differ. Only for
// datasets of this program: others store no hashes.
void CheckNumbers(const std::filesystem::path& path, const std::vector<std::string>& episodes,
                  Progress& progress);

}  // namespace understudy
