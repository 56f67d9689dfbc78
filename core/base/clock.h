#pragma once

#include <chrono>

namespace understudy {

// Seconds of a clock that never runs backwards; its zero means nothing.
inline double MonotonicSeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace understudy
