#include "data/formats/lerobot/episode_ending.h"

#include <algorithm>

namespace understudy {

bool TellsEnding(const std::string& feature) {
  return feature == "next.done" || feature == "next.success" || feature == "next.truncated" ||
         feature == "next.reward";
}

void EndAsBefore(const std::string& feature, const std::vector<double>& all, size_t end,
                 std::vector<double>& kept) {
  if (kept.empty()) return;
  if (feature == "next.done") {
    std::fill(kept.begin(), kept.end(), 0.0);
    kept.back() = 1;
  } else if (feature == "next.reward") {
    kept.back() = *std::max_element(all.begin() + static_cast<std::ptrdiff_t>(end) - 1, all.end());
  } else if (TellsEnding(feature)) {
    kept.back() = all.back();
  }
}

}  // namespace understudy
