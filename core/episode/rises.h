#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/episode/episode.h"

namespace understudy {

// Rows that a signal must stay 1 for to have risen: what flickers is no event. The default of
// Mimic's `debounce`.
inline constexpr int kRiseRows = 3;

// First row at or after `from` (and after row 0) in which the signal has turned from 0 to 1 and
// then stays 1 for `debounce` rows; -1: none.
int RisingEdge(const std::vector<uint8_t>& signal, int from, int debounce);

// Signals of an episode that rise more than once, by name: where their subtask ends is then a
// question (mimic/sources/segmentation.h has its answer).
std::vector<std::string> SignalsThatRiseAgain(const Episode& episode);

}  // namespace understudy
