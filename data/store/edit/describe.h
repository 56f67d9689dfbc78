#pragma once

#include <filesystem>

#include "core/base/json.h"

namespace understudy {

// Counts, lengths, success, tasks, sizes, statistics of actions: what `data info` prints.
Json DescribeDataset(const std::filesystem::path& path);

}  // namespace understudy
