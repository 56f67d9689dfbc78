#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cstdint>

#include "core/base/options.h"
#include "core/episode/episode.h"

namespace understudy {

// How an episode moves, from its rows alone. NaN: cannot be computed, since the rows have no poses,
// no commands or no rate; written by MotionToJson, which leaves such figures out.
struct MotionStatistics {
  double seconds = 0;
  double path_m = 0;
  double turn_rad = 0;
  double jerk_rms = 0;  // m/s^3, third difference of p_WE, over arms and rows
  double idle_share = 0;
  int64_t idle_head = 0;
  int64_t idle_tail = 0;
  double clipped_share = 0;  // rows whose target left the box of one policy step
  int64_t missing = 0;

  template <class V>
  void Visit(V& v) {
    v("seconds", seconds, "length");
    v("path_m", path_m, "m, way of all control frames");
    v("turn_rad", turn_rad, "rad, rotation of all control frames");
    v("jerk_rms", jerk_rms, "m/s^3");
    v("idle_share", idle_share, "share of rows whose command is that of the row before");
    v("idle_head", idle_head, "rows at the start until the first other command");
    v("idle_tail", idle_tail, "rows at the end after the last other command");
    v("clipped_share", clipped_share, "share of rows with clipped deltas");
    v("missing", missing, "rows with a NaN or infinity");
  }
};

// The jerk of a point, from its places at a fixed rate.
class JerkMeter {
 public:
  explicit JerkMeter(double rate_hz);
  void See(const Eigen::Vector3d& p_W);
  // Of the third differences so far, (m/s^3)^2, and how many there are.
  double squares() const { return squares_; }
  int64_t count() const { return std::max<int64_t>(0, seen_ - 3); }

 private:
  double cubed_rate_, squares_ = 0;
  int64_t seen_ = 0;
  std::array<Eigen::Vector3d, 3> last_;  // the newest first
};

// Median distances from the median that count as noise when an episode is called an outlier
// (core/base/statistics.h): a row, half a centimetre, 2 % of the rows.
inline constexpr double kStepsNoise = 1, kPathNoise_m = 0.005, kJerkNoise = 0, kIdleNoise = 0.02;

// Commands that differ by less than 0.1 mm, 1 mrad and the same gripper are one command: a hand
// that is held still trembles.
MotionStatistics MeasureMotion(const Episode& episode);
Json MotionToJson(const MotionStatistics& motion);

}  // namespace understudy
