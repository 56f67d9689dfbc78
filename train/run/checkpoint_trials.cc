#include "train/run/checkpoint_trials.h"

namespace understudy {

std::optional<int64_t> BestOf(const std::vector<CheckpointTrials::Result>& results) {
  const CheckpointTrials::Result* best = nullptr;
  for (const CheckpointTrials::Result& result : results) {
    const bool better = best == nullptr || result.rate() > best->rate() ||
                        (result.rate() == best->rate() && result.step > best->step);
    if (better) best = &result;
  }
  return best == nullptr ? std::nullopt : std::optional(best->step);
}

}  // namespace understudy
