#include "core/base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace understudy {

void ThrowFailed(const std::string& message) { throw Error(ErrorKind::kFailed, message); }
void ThrowUsage(const std::string& message) { throw Error(ErrorKind::kUsage, message); }
void ThrowBadInput(const std::string& message) { throw Error(ErrorKind::kBadInput, message); }

void Require(bool condition, std::string_view what, const char* file, int line) {
  if (condition) return;
  throw ContractError(fmt::format("{}:{}: broken contract: {}", file, line, what));
}

namespace {

// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substitute = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, substitute});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
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
