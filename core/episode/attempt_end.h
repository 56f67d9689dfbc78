#pragma once

#include <array>
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
  int64_t start = -1;  // number of its start in the session, where that is another one; else -1
  // where a session is somebody's: who, where, and for how long
  std::string operator_name, station;
  double seconds = 0, waited_s = 0;
  static constexpr std::array kUnwritten{"start", "operator", "station", "seconds", "waited_s"};
  template <class V>
  void Visit(V& v) {
    v("attempt", attempt, "number");
    v("end", end, "how it ended");
    v("success", success, "a demonstration");
    v("cause", cause, "why not");
    v("steps", steps, "policy steps");
    v("start", start, "number of its start, where that is another one");
    v("operator", operator_name, "who recorded it");
    v("station", station, "where");
    v("seconds", seconds, "s from its start to its end");
    v("waited_s", waited_s, "s from the attempt before to its start");
  }
};

}  // namespace understudy
