#include "mimic/attempt/quality.h"

#include <fmt/format.h>

#include "core/episode/motion.h"

namespace understudy {

std::string QualityWatch::Step(const Observation& before, const Observation& after,
                               const StepOutcome& outcome, double seconds) {
  touching_ += outcome.collision;
  if (gates_.max_touching >= 0 && touching_ > gates_.max_touching) {
    return fmt::format("an arm link touched something in {} steps (gates.max_touching: {})",
                       touching_, gates_.max_touching);
  }
  for (size_t i = 0; gates_.max_speed > 0 && i < after.arms.size(); ++i) {
    const double speed =
        (after.arms[i].X_WE.translation() - before.arms[i].X_WE.translation()).norm() / seconds;
    if (speed <= gates_.max_speed) continue;
    return fmt::format("the hand moved at {:.3f} m/s (gates.max_speed: {})", speed,
                       gates_.max_speed);
  }
  return "";
}

std::string QualityWatch::End(const Episode& episode) const {
  if (gates_.max_jerk <= 0) return "";
  const double jerk = MeasureMotion(episode).jerk_rms;
  if (!(jerk > gates_.max_jerk)) return "";  // nor can that of three rows be computed
  return fmt::format("the hand's jerk is {:.1f} m/s^3 (gates.max_jerk: {})", jerk, gates_.max_jerk);
}

}  // namespace understudy
