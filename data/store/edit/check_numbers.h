#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/progress.h"

namespace understudy {

// Compares everything but the pictures of the named episodes with the hashes that were stored with
// them. Throws Error(kBadInput) naming the file, the episode and the column that differ. Only for
// datasets of this program: others store no hashes. `outside_links` as in ReadOptions.
void CheckNumbers(const std::filesystem::path& path, const std::vector<std::string>& episodes,
                  bool outside_links, Progress& progress);

}  // namespace understudy
