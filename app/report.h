#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace understudy {

struct Pipeline;

// Writes `out`/report.html: one self-contained page (pictures and videos inside, no network) of a
// run whose steps are `order`; what has not been run yet is left out. Throws Error where a file
// that a finished step names cannot be read.
void WriteReport(const Pipeline& pipeline, const std::vector<std::string>& order,
                 const std::filesystem::path& out);

}  // namespace understudy
