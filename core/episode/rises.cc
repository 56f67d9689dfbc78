#include "core/episode/rises.h"

#include <algorithm>

namespace understudy {

int RisingEdge(const std::vector<uint8_t>& signal, int from, int debounce) {
  const int length = static_cast<int>(signal.size());
  for (int t = std::max(from, 1); t + debounce <= length; ++t) {
    if (signal[t - 1] != 0 || signal[t] == 0) continue;
    if (std::all_of(signal.begin() + t, signal.begin() + t + debounce,
                    [](uint8_t v) { return v != 0; })) {
      return t;
    }
  }
  return -1;
}

std::vector<std::string> SignalsThatRiseAgain(const Episode& episode) {
  std::vector<std::string> again;
  for (size_t s = 0; s < episode.meta.signals.size(); ++s) {
    std::vector<uint8_t> signal;
    for (const Step& step : episode.steps) {
      const std::vector<uint8_t>& signals = step.observation.signals;
      signal.push_back(s < signals.size() ? signals[s] : 0);
    }
    const int first = RisingEdge(signal, 0, kRiseRows);
    if (first >= 0 && RisingEdge(signal, first + 1, kRiseRows) >= 0) {
      again.push_back(episode.meta.signals[s]);
    }
  }
  return again;
}

}  // namespace understudy
