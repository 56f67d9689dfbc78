#pragma once

#include <cstdint>
#include <string>

namespace understudy {

// How an attempt of a recording session ended, kept or not: `attempts` in the report of `teleop`.
struct AttemptEnd {
  int64_t attempt = 0;
  std::string end;  // accepted, discarded, …
  bool success = false;
  std::string cause;  // empty on success
  int64_t steps = 0;
  template <class V>
  void Visit(V& v) {
    v("attempt", attempt, "number");
    v("end", end, "how it ended");
    v("success", success, "a demonstration");
    v("cause", cause, "why not");
    v("steps", steps, "policy steps");
  }
};

}  // namespace understudy
