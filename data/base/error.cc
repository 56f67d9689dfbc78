#include "data/base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

namespace understudy {

void ThrowFailed(const std::string& message) { throw Error(ErrorKind::kFailed, message); }
void ThrowUsage(const std::string& message) { throw Error(ErrorKind::kUsage, message); }
void ThrowBadInput(const std::string& message) { throw Error(ErrorKind::kBadInput, message); }

void Require(bool condition, std::string_view what, std::source_location where) {
  if (condition) return;
  throw ContractError(
      fmt::format("{}:{}: broken contract: {}", where.file_name(), where.line(), what));
}

namespace {

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substitute = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string Nearest(std::string_view name, const std::vector<std::string>& choices) {
  std::string best;
  size_t best_distance = std::numeric_limits<size_t>::max();
  for (const std::string& choice : choices) {
    const size_t distance = EditDistance(name, choice);
    if (distance < best_distance) {
      best_distance = distance;
      best = choice;
    }
  }
  // a word more than half wrong is no typo
  return best_distance * 2 <= std::max(name.size(), best.size()) ? best : "";
}

std::string UnknownName(std::string_view kind, std::string_view name,
                        const std::vector<std::string>& choices) {
  const std::string nearest = Nearest(name, choices);
  return fmt::format("unknown {} '{}'{} Known: {}.", kind, name,
                     nearest.empty() ? "." : fmt::format(": did you mean '{}'?", nearest),
                     choices.empty() ? "none" : fmt::format("{}", fmt::join(choices, ", ")));
}

}  // namespace understudy
