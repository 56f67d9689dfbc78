#pragma once

#include <string>

#include "core/base/options.h"
#include "core/episode/episode.h"
#include "core/seam/simulator.h"

namespace understudy {

// How a demonstration may move to be worth keeping; all of it changes results. An attempt that
// does not pass fails, with cause `rough`.
struct QualityGates {
  double max_speed = 0;  // m/s of E, from one step to the next; 0: any
  double max_jerk = 0;   // m/s^3, root mean square (MotionStatistics::jerk_rms); 0: any
  int max_touching = -1;
  template <class V>
  void Visit(V& v) {
    v("max_speed", max_speed, "m/s of the hand; 0: any", Limits{0, 100});
    v("max_jerk", max_jerk, "m/s^3 of the hand, root mean square; 0: any", Limits{0, 1e9});
    v("max_touching", max_touching, "steps in which an arm link may touch something; -1: any",
      Limits{-1, 1e6});
  }
};

// Watches one attempt. Both members say what is wrong, in words; empty: nothing yet.
class QualityWatch {
 public:
  explicit QualityWatch(const QualityGates& gates) : gates_(gates) {}
  // After every step of `seconds`: the world before and after it.
  std::string Step(const Observation& before, const Observation& after, const StepOutcome& outcome,
                   double seconds);
  // Of the whole attempt; needs its control rate.
  std::string End(const Episode& episode) const;

 private:
  QualityGates gates_;
  int touching_ = 0;
};

}  // namespace understudy
