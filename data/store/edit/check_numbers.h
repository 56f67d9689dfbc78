#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/progress.h"

namespace understudy {

// Compares the dataset's own contents (header, masks, attempts, list of episodes) and everything
// but the pictures of the named episodes with the hashes that were stored with them; pictures are
// compared as they are read (ReadOptions::check_pictures). Throws Error(kBadInput) naming the file
// and the part, or the episode and column, that differ. Only for datasets of this program: others
// store no hashes. `outside_links` as in ReadOptions.
void CheckNumbers(const std::filesystem::path& path, const std::vector<std::string>& episodes,
                  bool outside_links, Progress& progress);

}  // namespace understudy
