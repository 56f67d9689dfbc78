#include "teleop/quality.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"

namespace understudy {
namespace {

double Percentile(std::vector<int64_t> values, double share) {
  if (values.empty()) return 0;
  const size_t rank = static_cast<size_t>(share * static_cast<double>(values.size() - 1) + 0.5);
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(rank), values.end());
  return 1e-9 * static_cast<double>(values[rank]);
}

}  // namespace

void QualityMeter::Add(const Step& step, Action clipped) {
  ++steps_;
  ages_ns_.push_back(step.teleop.sample_age_ns);
  // an arm's worst flag counts for the step
  uint32_t any = 0, all = ~0u;
  for (const TeleopArmStep& arm : step.teleop.arms) {
    any |= arm.flags;
    all &= arm.flags;
  }
  overruns_ += (any & kOverrun) != 0;
  tracked_ += (all & kTracked) != 0;
  engaged_ += (any & kClutchEngaged) != 0;
  linear_clamped_ += (any & kLinearClamped) != 0;
  angular_clamped_ += (any & kAngularClamped) != 0;
  rejected_ += (any & kRejected) != 0;
  // commands that the controller's box clipped
  for (size_t i = 0; i < clipped.arms.size(); ++i) {
    if (!(clipped.arms[i].X_WE_cmd == step.teleop.arms[i].X_WE_limited)) {
      ++boxed_;
      break;
    }
  }
  actions_.push_back(std::move(clipped));
  // path length of all control frames
  for (size_t i = 0; i < step.observation.arms.size(); ++i) {
    const Eigen::Vector3d& p_WE = step.observation.arms[i].X_WE.translation();
    if (last_p_WE_.size() <= i) last_p_WE_.push_back(p_WE);
    path_m_ += (p_WE - last_p_WE_[i]).norm();
    last_p_WE_[i] = p_WE;
  }
}

Json QualityMeter::Result(double control_hz, int engagements) const {
  // idle time at both ends
  size_t head = 0, tail = 0;
  const size_t count = actions_.size();
  while (head + 1 < count && actions_[head + 1] == actions_[0]) ++head;
  while (tail + 1 < count && actions_[count - 2 - tail] == actions_[count - 1]) ++tail;
  const double steps = std::max<double>(1, static_cast<double>(steps_));
  return Json{{"steps", steps_},
              {"seconds", static_cast<double>(steps_) / control_hz},
              {"sample_age_p50_s", Percentile(ages_ns_, 0.5)},
              {"sample_age_p99_s", Percentile(ages_ns_, 0.99)},
              {"overruns", overruns_},
              {"tracked_share", static_cast<double>(tracked_) / steps},
              {"engaged_share", static_cast<double>(engaged_) / steps},
              {"linear_clamped", linear_clamped_},
              {"angular_clamped", angular_clamped_},
              {"rejected", rejected_},
              {"boxed", boxed_},
              {"idle_head_s", static_cast<double>(head) / control_hz},
              {"idle_tail_s", static_cast<double>(tail) / control_hz},
              {"path_m", path_m_},
              {"clutch_engagements", engagements}};
}

}  // namespace understudy
