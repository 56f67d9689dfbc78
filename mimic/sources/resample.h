#pragma once

#include <cstdint>
#include <vector>

#include "mimic/sources/source_set.h"

namespace understudy {

// Control rates of sources that are used at another rate.
inline constexpr double kLowestSourceHz = 5, kHighestSourceHz = 100;

// `demo`, recorded at `from_hz`, as if it had been recorded at `to_hz`; of `signals_ST` likewise a
// value per row. Measured poses are interpolated at the time of the new row, commands at that of
// the last command within it, so that they lead the hand as far ahead as the source's did. Gripper
// commands and signals turn in the first row that they are in force in. Everything is as long, to
// half a row, and `rows` leads back to the source's rows. Requires rows.
SourceDemo Resampled(const SourceDemo& demo, double from_hz, double to_hz,
                     std::vector<std::vector<uint8_t>>* signals_ST);

}  // namespace understudy
