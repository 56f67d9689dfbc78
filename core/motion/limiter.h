#pragma once

#include <cstdint>

#include "core/base/options.h"
#include "core/episode/action.h"
#include "core/geometry/pose.h"
#include "core/motion/posture_guard.h"

namespace understudy {

// All of it changes results.
struct LimiterOptions {
  double max_speed = 0.25;
  double max_turn = 1.5;
  double max_acceleration = 0;
  double max_turn_acceleration = 0;
  double reject_distance = 0.1;
  double reject_angle = 0.8;
  static constexpr std::array kUnwritten{"max_acceleration", "max_turn_acceleration"};
  template <class V>
  void Visit(V& v) {
    v("max_speed", max_speed, "m/s of the command; the hand may be faster, the arm follows",
      Limits{0.01, 5});
    v("max_turn", max_turn, "rad/s of the command", Limits{0.05, 20});
    v("max_acceleration", max_acceleration,
      "m/s^2 of the command, for arms that cannot take every one; 0: no limit", Limits{0, 1000});
    v("max_turn_acceleration", max_turn_acceleration, "rad/s^2 of the command; 0: no limit",
      Limits{0, 10000});
    v("reject_distance", reject_distance,
      "m between samples: a farther jump is no hand, and drops the clutch", Limits{0.005, 10});
    v("reject_angle", reject_angle, "rad between samples", Limits{0.05, 4});
  }
};

// Finds jumps of the tracking (a headset that re-localises, the head's pose in place of the
// hand's): a wanted pose farther from the previous one than a hand can move between two samples.
class OutlierGate {
 public:
  explicit OutlierGate(const LimiterOptions& options) : options_(options) {}
  void Reset(const Pose& X_WE) { last_ = X_WE; }
  // False: a jump; the pose before stays the one to compare with.
  bool Accepts(const Pose& X_WE_wanted);

 private:
  LimiterOptions options_;
  Pose last_;
};

struct LimitedTarget {
  Pose X_WE_cmd;
  bool linear_clamped = false, angular_clamped = false;
};

// What one command may be, seen from where the arm is.
struct ArmBounds {
  Pose X_WE;                                       // measured
  DeltaLimits limits;                              // box around it that one policy step can ask for
  Eigen::Vector3d p_WB = Eigen::Vector3d::Zero();  // centre of the reach sphere
  double reach = 1e9;                              // m
  const PostureGuard* posture = nullptr;           // null: the arm's kinematics are not known
  const Eigen::VectorXd* q = nullptr;              // rad, measured; with `posture`
};

// Makes commands that the arm can follow: inside the reach sphere and inside the box of one policy
// step around the measured pose (so a blocked arm does not wind up), out of postures that it cannot
// leave, and never farther from the last emitted command than speed and acceleration allow. Where
// these cannot all be kept, as of an arm that is pushed out of the box, the speeds are. A command
// brakes in time, so that it does not run past a hand that has stopped; it may also stop at once.
// A target equal to the last command is passed on bit for bit.
class Limiter {
 public:
  explicit Limiter(const LimiterOptions& options) : options_(options) {}
  void Reset(const Pose& X_WE_cmd) {
    last_ = X_WE_cmd;
    Hold();
  }
  // The last command is given once more.
  void Hold() {
    v_.setZero();
    w_.setZero();
  }
  // `dt_s` is clamped to [0.1 ms, 100 ms].
  LimitedTarget Limit(const Pose& X_WE_target, const ArmBounds& bounds, double dt_s);
  const Pose& last() const { return last_; }

 private:
  LimiterOptions options_;
  Pose last_;
  // m/s and rad/s of the last command
  Eigen::Vector3d v_ = Eigen::Vector3d::Zero(), w_ = Eigen::Vector3d::Zero();
};

}  // namespace understudy
