#include "teleop/board.h"

#include <algorithm>

namespace understudy {

void SessionBoard::Add(const RecordOutcome& attempt) {
  waited_s_ += attempt.waited_s;
  if (attempt.steps == 0) return;
  ++attempts_;
  demonstrations_ += attempt.success;
  if (!attempt.success) ++not_saved_[attempt.cause];
  recorded_s_ += attempt.seconds;
  const auto steps = static_cast<double>(attempt.steps);
  steps_ += attempt.steps;
  untracked_ += (1 - attempt.quality.value("tracked_share", 1.0)) * steps;
  clamped_ += std::max(attempt.quality.value("linear_clamped", 0.0),
                       attempt.quality.value("angular_clamped", 0.0));
}

Json SessionBoard::Result() const {
  const double steps = std::max<double>(1, static_cast<double>(steps_));
  const double time_s = std::max(1e-9, recorded_s_ + waited_s_);
  return {{"demonstrations", demonstrations_},
          {"attempts", attempts_},
          {"per_hour", attempts_ == 0 ? 0 : 3600 * static_cast<double>(demonstrations_) / time_s},
          {"not_saved", not_saved_},
          {"untracked_share", untracked_ / steps},
          {"clamped_share", clamped_ / steps},
          {"idle_share", attempts_ == 0 ? 0 : waited_s_ / time_s}};
}

}  // namespace understudy
