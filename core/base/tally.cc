#include "core/base/tally.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

namespace understudy {

std::string Tally::Describe(const std::string& of_what) const {
  int64_t sum = 0;
  std::vector<std::string> parts;
  for (const auto& [what, count] : counts_) {
    sum += count;
    parts.push_back(fmt::format("{} {}", count, what));
  }
  return fmt::format("of {} {} {}", sum, of_what, fmt::join(parts, ", "));
}

}  // namespace understudy
