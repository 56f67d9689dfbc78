#pragma once

#include "core/base/options.h"
#include "core/geometry/pose.h"

namespace understudy {

// All of it changes results. The default takes the tremor of a hand (8 to 12 Hz) at rest and adds
// little lag in motion.
struct PoseFilterOptions {
  bool enabled = true;
  double cutoff = 3;
  double linear_beta = 20;
  double angular_beta = 4;
  double speed_cutoff = 1;
  template <class V>
  void Visit(V& v) {
    v("enabled", enabled, "smooth the target (the raw samples are stored in any case)");
    v("cutoff", cutoff, "Hz, of a hand at rest; lower is smoother and later", Limits{0.05, 100});
    v("linear_beta", linear_beta, "Hz per m/s: how much motion opens the filter", Limits{0, 1000});
    v("angular_beta", angular_beta, "Hz per rad/s, likewise for turning", Limits{0, 1000});
    v("speed_cutoff", speed_cutoff, "Hz, of the speed estimate", Limits{0.05, 100});
  }
};

// One-Euro filter of a pose (Casiez, Roussel, Vogel, CHI 2012): a first-order low pass whose cutoff
// is cutoff + beta |speed|, with the measured time step; rotation by slerp, with angular speed. A
// target equal to the state comes out bit for bit.
class PoseFilter {
 public:
  explicit PoseFilter(const PoseFilterOptions& options) : options_(options) {}
  void Reset(const Pose& X_WE);
  // `dt_s` since the sample before; 0 (a repeated sample) changes nothing.
  Pose Update(const Pose& X_WE_wanted, double dt_s);
  const Pose& value() const { return value_; }

 private:
  PoseFilterOptions options_;
  Pose value_;        // filtered
  Pose last_;         // unfiltered, of the sample before
  double speed_ = 0;  // m/s, low-passed
  double turn_ = 0;   // rad/s, low-passed
};

}  // namespace understudy
