#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/base/json.h"
#include "teleop/recorder.h"

namespace understudy {

// How a session goes, in numbers: for its operator while it runs, and for its report.
class SessionBoard {
 public:
  void Add(const RecordOutcome& attempt);
  // demonstrations, attempts, per_hour (demonstrations), not_saved (cause: count), and the shares
  // of time without tracking, at the arm's limits, and between attempts.
  Json Result() const;

 private:
  int64_t attempts_ = 0, demonstrations_ = 0, steps_ = 0;
  double untracked_ = 0, clamped_ = 0;    // steps
  double recorded_s_ = 0, waited_s_ = 0;  // device's clock
  std::map<std::string, int64_t> not_saved_;
};

}  // namespace understudy
