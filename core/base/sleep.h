#pragma once

#include <cerrno>
#include <cstdint>
#include <ctime>

namespace understudy {

// Returns at `ns` of CLOCK_MONOTONIC, whatever signals come before.
inline void SleepUntilNs(int64_t ns) {
  const timespec until{static_cast<time_t>(ns / 1'000'000'000),
                       static_cast<long>(ns % 1'000'000'000)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
  }
}

}  // namespace understudy
