#pragma once

#include <cstdint>
#include <vector>

#include "core/base/json.h"
#include "core/episode/episode.h"

namespace understudy {

// Quality metrics of one recording (EpisodeMeta::quality), gathered row by row.
class QualityMeter {
 public:
  // Allocates nothing within `steps` steps.
  explicit QualityMeter(size_t steps = 0);
  // `commanded` is what the limiter sent on, before joints are made of it.
  void Add(const Step& step, const Action& commanded);
  // How long a step took, physics left out; where time is real.
  void AddWork(int64_t ns) { work_ns_.push_back(ns); }
  // The steps' clutch engagements are known to the controller only.
  Json Result(double control_hz, int engagements) const;

 private:
  std::vector<int64_t> ages_ns_, work_ns_;
  Action first_, last_;
  int64_t same_as_first_ = 0, same_as_last_ = 0;  // steps from the first on, up to the last
  std::vector<Eigen::Vector3d> last_p_WE_;
  double path_m_ = 0;
  int64_t steps_ = 0, overruns_ = 0, tracked_ = 0, engaged_ = 0;
  int64_t linear_clamped_ = 0, angular_clamped_ = 0, rejected_ = 0, boxed_ = 0;
};

}  // namespace understudy
