#include "core/episode/rises.h"

namespace understudy {

std::vector<std::string> SignalsThatRiseAgain(const Episode& episode) {
  std::vector<std::string> again;
  for (size_t s = 0; s < episode.meta.signals.size(); ++s) {
    int rises = 0, high = 0;  // rows in turn in which it holds
    bool was_low = false;
    for (const Step& step : episode.steps) {
      const std::vector<uint8_t>& signals = step.observation.signals;
      const bool holds = s < signals.size() && signals[s] != 0;
      if (!holds) {
        was_low = true;
        high = 0;
      } else if (++high == kRiseRows && was_low) {
        ++rises;
      }
    }
    if (rises > 1) again.push_back(episode.meta.signals[s]);
  }
  return again;
}

}  // namespace understudy
