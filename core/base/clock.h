#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>

namespace understudy {

// Seconds of a clock that never runs backwards; its zero means nothing.
inline double MonotonicSeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// CLOCK_MONOTONIC in ns, as devices give the times of their samples.
inline int64_t MonotonicNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{1'000'000'000} * now.tv_sec + now.tv_nsec;
}

}  // namespace understudy
