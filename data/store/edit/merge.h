#pragma once

#include <filesystem>
#include <vector>

#include "data/store/read_options.h"

namespace understudy {

// Joins datasets of equal simulator info: by reference (relative external links) or by copying
// compressed chunks. Episodes are renumbered in order; uuids stay. Atomic.
void MergeDatasets(const std::vector<std::filesystem::path>& inputs,
                   const std::filesystem::path& output, bool by_reference, bool overwrite,
                   const ReadOptions& read = {});

}  // namespace understudy
