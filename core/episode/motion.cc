#include "core/episode/motion.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace understudy {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr double kStill_m = 1e-4, kStill_rad = 1e-3;

bool SameCommand(const Action& a, const Action& b) {
  if (a.arms.size() != b.arms.size()) return false;
  for (size_t i = 0; i < a.arms.size(); ++i) {
    const Pose &x = a.arms[i].X_WE_cmd, &y = b.arms[i].X_WE_cmd;
    if (a.arms[i].gripper != b.arms[i].gripper) return false;
    if ((x.translation() - y.translation()).norm() > kStill_m) return false;
    if (x.rotation().angularDistance(y.rotation()) > kStill_rad) return false;
  }
  return true;
}

bool IsWhole(const Observation& observation) {
  const auto finite = [](const Pose& X) {
    return X.translation().allFinite() && X.rotation().coeffs().allFinite();
  };
  const auto whole = [&](const ArmObservation& arm) {
    return finite(arm.X_WE) && arm.joint_q.allFinite() && arm.joint_v.allFinite() &&
           arm.gripper_q.allFinite() && arm.gripper_v.allFinite();
  };
  return std::all_of(observation.arms.begin(), observation.arms.end(), whole) &&
         std::all_of(observation.X_WO.begin(), observation.X_WO.end(), finite);
}

}  // namespace

JerkMeter::JerkMeter(double rate_hz) : cubed_rate_(std::pow(rate_hz, 3)) {}

void JerkMeter::See(const Eigen::Vector3d& p_W) {
  if (++seen_ > 3) {
    squares_ += ((p_W - last_[2] - 3 * (last_[0] - last_[1])) * cubed_rate_).squaredNorm();
  }
  last_ = {p_W, last_[0], last_[1]};
}

MotionStatistics MeasureMotion(const Episode& episode) {
  MotionStatistics motion;
  const std::vector<Step>& steps = episode.steps;
  const size_t count = steps.size();
  if (count == 0) {
    motion.path_m = motion.turn_rad = motion.jerk_rms = kNone;
    motion.idle_share = motion.clipped_share = kNone;
    return motion;
  }
  const double rate = episode.meta.control_hz;
  const double rows = static_cast<double>(count);
  motion.seconds = rate > 0 ? rows / rate : kNone;

  // commands
  int64_t still = 0, clipped = 0;
  for (size_t k = 1; k < count; ++k) still += SameCommand(steps[k - 1].action, steps[k].action);
  for (const Step& step : steps) {
    clipped += std::any_of(step.delta.begin(), step.delta.end(),
                           [](const DeltaAction& delta) { return delta.clipped; });
    motion.missing += !IsWhole(step.observation);
  }
  // rows without commands are not idle, only untold
  const auto any = [&](auto of) { return std::any_of(steps.begin(), steps.end(), of); };
  const bool commands = any([](const Step& step) { return !step.action.arms.empty(); });
  const bool deltas = any([](const Step& step) { return !step.delta.empty(); });
  motion.idle_share = commands ? static_cast<double>(still) / rows : kNone;
  motion.clipped_share = deltas ? static_cast<double>(clipped) / rows : kNone;
  size_t head = 0, tail = 0;
  while (commands && head + 1 < count && SameCommand(steps[head + 1].action, steps[0].action))
    ++head;
  while (commands && tail + 1 < count &&
         SameCommand(steps[count - 2 - tail].action, steps.back().action)) {
    ++tail;
  }
  motion.idle_head = static_cast<int64_t>(head);
  motion.idle_tail = static_cast<int64_t>(tail);

  // way, rotation and jerk of what was measured
  double squares = 0, triples = 0;
  if (steps[0].observation.arms.empty()) motion.path_m = motion.turn_rad = kNone;
  for (size_t arm = 0; arm < steps[0].observation.arms.size(); ++arm) {
    const auto X_WE = [&](size_t k) -> const Pose& { return steps[k].observation.arms[arm].X_WE; };
    for (size_t k = 1; k < count; ++k) {
      motion.path_m += (X_WE(k).translation() - X_WE(k - 1).translation()).norm();
      motion.turn_rad += X_WE(k).rotation().angularDistance(X_WE(k - 1).rotation());
    }
    JerkMeter jerk(rate);
    for (size_t k = 0; k < count; ++k) jerk.See(X_WE(k).translation());
    squares += jerk.squares();
    triples += static_cast<double>(jerk.count());
  }
  motion.jerk_rms = triples > 0 && rate > 0 ? std::sqrt(squares / triples) : kNone;
  return motion;
}

Json MotionToJson(const MotionStatistics& motion) {
  Json json = ToJson(motion);
  for (const auto& [name, value] : {std::pair{"seconds", motion.seconds},
                                    {"path_m", motion.path_m},
                                    {"turn_rad", motion.turn_rad},
                                    {"jerk_rms", motion.jerk_rms},
                                    {"idle_share", motion.idle_share},
                                    {"clipped_share", motion.clipped_share}}) {
    if (!std::isfinite(value)) json.erase(name);
  }
  if (std::isnan(motion.idle_share)) {
    json.erase("idle_head");
    json.erase("idle_tail");
  }
  return json;
}

}  // namespace understudy
