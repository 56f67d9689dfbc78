#include "teleop/pacer.h"

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/sleep.h"

namespace understudy {
namespace {

// end of tick number `tick`: whole steps are exact whatever the number of ticks
int64_t Deadline(int64_t start_ns, int64_t step_ns, int ticks_per_step, int64_t tick) {
  const int64_t whole = tick / ticks_per_step, rest = tick % ticks_per_step;
  return start_ns + whole * step_ns + rest * step_ns / ticks_per_step;
}

}  // namespace

void RealPacer::Begin(const RngKey&, const Observation&, int64_t step_ns, int ticks_per_step) {
  Require(step_ns > 0 && ticks_per_step > 0, "a pacer needs a period and at least one tick");
  start_ns_ = MonotonicNs();
  step_ns_ = step_ns;
  ticks_per_step_ = ticks_per_step;
  tick_ = 0;
}

bool RealPacer::Tick(const Observation&) {
  const int64_t deadline = Deadline(start_ns_, step_ns_, ticks_per_step_, ++tick_);
  const int64_t late_ns = MonotonicNs() - deadline;
  if (late_ns > 0) {
    // the schedule moves with the delay
    start_ns_ += late_ns;
    return false;
  }
  SleepUntilNs(deadline);
  return true;
}

VirtualPacer::VirtualPacer(Hooks hooks) : hooks_(std::move(hooks)) {
  Require(hooks_.now_ns && hooks_.advance_ns && hooks_.move,
          "virtual time needs a clock and somebody who moves the hand");
}

void VirtualPacer::Begin(const RngKey& key, const Observation& observation, int64_t step_ns,
                         int ticks_per_step) {
  Require(step_ns > 0 && ticks_per_step > 0, "a pacer needs a period and at least one tick");
  start_ns_ = hooks_.now_ns();
  step_ns_ = step_ns;
  ticks_per_step_ = ticks_per_step;
  tick_ = 0;
  if (hooks_.begin) hooks_.begin(key, observation);
}

bool VirtualPacer::Tick(const Observation& observation) {
  const int64_t deadline = Deadline(start_ns_, step_ns_, ticks_per_step_, ++tick_);
  hooks_.move(observation, deadline);
  const int64_t step = deadline - hooks_.now_ns();
  if (step > 0) hooks_.advance_ns(step);
  return true;
}

std::string VirtualPacer::Account(const Observation& observation) const {
  return hooks_.account ? hooks_.account(observation) : "";
}

}  // namespace understudy
