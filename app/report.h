#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/json.h"

namespace understudy {

struct Pipeline;

// Writes `out`/report.html: one self-contained page (pictures and videos inside, no network) of a
// run whose steps are `order`; what has not been run yet is left out. `summary` is its table
// (Summarise). Throws Error where a file that a finished step names cannot be read.
void WriteReport(const Pipeline& pipeline, const std::vector<std::string>& order,
                 const Json& summary, const std::filesystem::path& out);

}  // namespace understudy
