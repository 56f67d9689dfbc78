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

QualityMeter::QualityMeter(size_t steps) {
  ages_ns_.reserve(steps);
  work_ns_.reserve(steps);
}

void QualityMeter::Add(const Step& step, const Action& commanded) {
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
  // commands beyond the box of one policy step, as of an arm that was pushed away
  boxed_ += std::any_of(step.delta.begin(), step.delta.end(),
                        [](const DeltaAction& delta) { return delta.clipped; });
  // idle time at both ends
  if (steps_ == 1) first_ = commanded;
  if (same_as_first_ == steps_ - 1 && commanded == first_) ++same_as_first_;
  same_as_last_ = steps_ > 1 && commanded == last_ ? same_as_last_ + 1 : 1;
  last_ = commanded;
  // path length of all control frames
  for (size_t i = 0; i < step.observation.arms.size(); ++i) {
    const Eigen::Vector3d& p_WE = step.observation.arms[i].X_WE.translation();
    if (last_p_WE_.size() <= i) last_p_WE_.push_back(p_WE);
    path_m_ += (p_WE - last_p_WE_[i]).norm();
    last_p_WE_[i] = p_WE;
  }
}

Json QualityMeter::Result(double control_hz, int engagements) const {
  const auto idle_s = [&](int64_t same) {
    return static_cast<double>(std::max<int64_t>(same - 1, 0)) / control_hz;
  };
  const double steps = std::max<double>(1, static_cast<double>(steps_));
  Json json{{"steps", steps_},
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
            {"idle_head_s", idle_s(same_as_first_)},
            {"idle_tail_s", idle_s(same_as_last_)},
            {"path_m", path_m_},
            {"clutch_engagements", engagements}};
  if (!work_ns_.empty()) {
    json["work_p50_s"] = Percentile(work_ns_, 0.5);
    json["work_p99_s"] = Percentile(work_ns_, 0.99);
  }
  return json;
}

}  // namespace understudy
