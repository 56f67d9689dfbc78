#pragma once

#include <string>
#include <vector>

#include "core/episode/episode.h"

namespace understudy {

// Rows that a signal must stay 1 for to have risen: what flickers is no event. The default of
// Mimic's `debounce`.
inline constexpr int kRiseRows = 3;

// Signals of an episode that rise more than once, by name: where their subtask ends is then a
// question (mimic/sources/segmentation.h has its answer).
std::vector<std::string> SignalsThatRiseAgain(const Episode& episode);

}  // namespace understudy
