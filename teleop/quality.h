#pragma once

#include <cstdint>
#include <vector>

#include "core/base/json.h"
#include "core/episode/episode.h"

namespace understudy {

// Quality metrics of one recording (EpisodeMeta::quality), gathered row by row. Memory
// grows with the episode.
class QualityMeter {
 public:
  // `clipped` is the command within the box of one policy step, before joints are made of it.
  void Add(const Step& step, Action clipped);
  // The steps' clutch engagements are known to the controller only.
  Json Result(double control_hz, int engagements) const;

 private:
  std::vector<int64_t> ages_ns_;
  std::vector<Action> actions_;
  std::vector<Eigen::Vector3d> last_p_WE_;
  double path_m_ = 0;
  int64_t steps_ = 0, overruns_ = 0, tracked_ = 0, engaged_ = 0;
  int64_t linear_clamped_ = 0, angular_clamped_ = 0, rejected_ = 0, boxed_ = 0;
};

}  // namespace understudy
