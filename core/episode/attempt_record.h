#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/episode/episode.h"
#include "core/geometry/pose.h"

namespace understudy {

// One row of the attempts table of a generated dataset: every started attempt, kept or not.
struct AttemptRecord {
  int64_t attempt = 0;
  bool success = false;
  std::string cause;             // empty on success
  int32_t subtask = -1;          // where it ended
  int32_t steps = 0;             // length of the attempt
  std::vector<Pose> X_WO_start;  // object poses at its start, for coverage
  // source demonstration of every subtask that ended or failed; -1 within: cut short by another's
  // failure, or not begun
  std::vector<int32_t> sources;
  std::vector<int32_t> subtask_steps;  // steps in each of these subtasks; empty: unknown
};

struct KeptAttempt {
  AttemptRecord attempt;
  std::optional<Episode> episode;  // where it is kept
};

}  // namespace understudy
