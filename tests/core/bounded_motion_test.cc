// Commands that keep their limits, whatever they are asked to follow.
#include "core/motion/bounded_motion.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/base/rng.h"

namespace understudy {
namespace {

constexpr MotionLimits kLimits{0.5, 5, 100};

// Largest share of each limit that successive commands used.
template <int N>
class Watch {
 public:
  using Vector = Eigen::Matrix<double, N, 1>;
  Watch(const MotionLimits& limits, double dt, const Vector& p) : limits_(limits), dt_(dt), p_(p) {}
  void See(const Vector& p) {
    const Vector v = (p - p_) / dt_, a = (v - v_) / dt_, j = (a - a_) / dt_;
    speed = std::max(speed, v.norm() / limits_.speed);
    acceleration = std::max(acceleration, a.norm() / limits_.acceleration);
    jerk = std::max(jerk, j.norm() / limits_.jerk);
    p_ = p;
    v_ = v;
    a_ = a;
  }
  void ExpectKept() const {
    EXPECT_LE(speed, 1 + 1e-6);
    EXPECT_LE(acceleration, 1 + 1e-6);
    EXPECT_LE(jerk, 1 + 1e-6);
  }
  bool at_rest() const { return v_.norm() < 1e-9 && a_.norm() < 1e-9; }
  double speed = 0, acceleration = 0, jerk = 0;

 private:
  MotionLimits limits_;
  double dt_;
  Vector p_, v_ = Vector::Zero(), a_ = Vector::Zero();
};

// What hostile and careless policies ask for, one after the other.
template <int N>
class Asker {
 public:
  using Vector = Eigen::Matrix<double, N, 1>;
  explicit Asker(uint64_t seed) : rng_(RngKey{seed}) {}
  Vector Ask(int64_t step, const Vector& p) {
    if (step % 40 == 0) kind_ = static_cast<int>(rng_.UniformInt(6));
    const auto random = [&](double size) {
      Vector v;
      for (int i = 0; i < N; ++i) v[i] = size * rng_.Normal();
      return v;
    };
    switch (kind_) {
      case 0:
        return target_ = random(2);  // anywhere, at once
      case 1:
        return target_ = p + random(0.005);  // trembles
      case 2:
        return target_ = Vector::Constant(step % 2 ? 1e6 : -1e6);  // bang, bang
      case 3:
        return step % 40 ? target_ : target_ = random(0.4);  // a step
      case 4:
        return target_ += random(0.0003) + Vector::Constant(0.002);  // drifts
      default:
        return target_ = Vector::Constant(0.25 * std::sin(0.3 * static_cast<double>(step)));
    }
  }

 private:
  Rng rng_;
  int kind_ = 0;
  Vector target_ = Vector::Zero();
};

template <int N>
void TryHostile(double dt, const MotionLimits& limits, int64_t steps, uint64_t seed) {
  using Vector = Eigen::Matrix<double, N, 1>;
  Region<N> region;
  region.radius = 0.8;
  region.lower.setConstant(-0.4);
  BoundedMotion<N> motion(limits, dt);
  motion.Reset(Vector::Zero(), region);
  Watch<N> watch(limits, dt, Vector::Zero());
  Asker<N> asker(seed);
  Rng rng(RngKey{seed}.WithTerm("brake"));
  int64_t braking = 0;
  for (int64_t step = 0; step < steps; ++step) {
    if (braking == 0 && rng.Uniform() < 0.01)
      braking = 1 + static_cast<int64_t>(rng.UniformInt(60));
    const Vector p = motion.p();
    const Vector next = braking > 0 ? motion.Brake() : motion.Next(asker.Ask(step, p));
    braking = std::max<int64_t>(0, braking - 1);
    watch.See(next);
    // and so does the way to rest
    for (const Vector& place : {next, motion.Stop()}) {
      ASSERT_LE(place.norm(), region.radius + 1e-8) << "step " << step << " dt " << dt;
      ASSERT_GE(place.minCoeff(), -0.4 - 1e-8) << "step " << step << " dt " << dt;
    }
  }
  watch.ExpectKept();
  EXPECT_GT(std::max({watch.jerk, watch.acceleration, watch.speed}), 0.99)
      << "the limits were tried";
}

TEST(BoundedMotion, KeepsItsLimitsWhateverIsAsked) {
  uint64_t seed = 0;
  for (const double dt : {0.1, 0.05, 0.02, 0.01}) {
    TryHostile<3>(dt, kLimits, 10000, ++seed);
    TryHostile<1>(dt, kLimits, 10000, ++seed);
    TryHostile<3>(dt, {1.7, 13, 60}, 10000, ++seed);
    TryHostile<1>(dt, {0.05, 40, 120}, 10000, ++seed);
  }
}

// What is within the limits is passed on bit for bit, also what moves.
TEST(BoundedMotion, WhatIsWithinTheLimitsIsPassedOn) {
  BoundedMotion<3> motion(kLimits, 0.02);
  motion.Reset({0.1, 0, 0});
  for (int step = 1; step < 500; ++step) {
    const double t = 0.02 * step, s = 0.1 * std::pow(std::sin(0.5 * t), 2);
    const Eigen::Vector3d target(0.1 + s, -s, 0.3 * s);
    ASSERT_EQ(motion.Next(target), target) << step;
  }
}

// A target that has moved before it is seen is caught up with, and then followed exactly.
TEST(BoundedMotion, CatchesUpWithWhatMoves) {
  BoundedMotion<3> motion(kLimits, 0.02);
  motion.Reset(Eigen::Vector3d::Zero());
  int followed = 0;
  for (int step = 0; step < 400; ++step) {
    const Eigen::Vector3d target(0.2 + 0.004 * step, 0.1 * std::sin(0.02 * step), 0);
    followed = motion.Next(target) == target ? followed + 1 : 0;
  }
  EXPECT_GT(followed, 200);
}

// From rest to rest in hardly more than the shortest time, D / V + V / A + A / J.
TEST(BoundedMotion, ComesToRestAtItsTarget) {
  for (const double distance : {1.0, 0.5}) {
    for (const double dt : {0.02, 0.005}) {
      BoundedMotion<1> motion(kLimits, dt);
      motion.Reset(Eigen::Matrix<double, 1, 1>(0.0));
      Watch<1> watch(kLimits, dt, motion.p());
      const Eigen::Matrix<double, 1, 1> target(distance);
      int steps = 0;
      double farthest = 0;
      for (; steps < 4000 && !(motion.p() == target && watch.at_rest()); ++steps) {
        watch.See(motion.Next(target));
        farthest = std::max(farthest, motion.p()[0]);
      }
      const double shortest = distance / 0.5 + 0.5 / 5 + 5.0 / 100;
      EXPECT_EQ(motion.p(), target);
      EXPECT_GE(steps * dt, shortest - 1e-9);
      EXPECT_LE(steps * dt, 1.03 * shortest + 6 * dt) << "dt " << dt;
      // hardly past it: what is left of a step when it is at rest
      EXPECT_LE(farthest, distance + 100 * std::pow(dt, 3) / 8);
      watch.ExpectKept();
    }
  }
}

TEST(BoundedMotion, SaysWhereItStops) {
  BoundedMotion<3> motion(kLimits, 0.02);
  motion.Reset(Eigen::Vector3d::Zero());
  Asker<3> asker(5);
  for (int64_t trial = 0; trial < 60; ++trial) {
    for (int64_t step = 0; step < 23; ++step) motion.Next(asker.Ask(trial * 23 + step, motion.p()));
    const Eigen::Vector3d target = asker.Ask(trial, motion.p()),
                          after = motion.Stop(motion.Towards(target));
    motion.Next(target);
    EXPECT_LT((motion.Stop() - after).norm(), 1e-9);
    for (int step = 0; step < 200; ++step) motion.Brake();
    EXPECT_LT((motion.p() - after).norm(), 1e-9);
    const Eigen::Vector3d rest = motion.p();
    EXPECT_EQ(motion.Brake(), rest);
    EXPECT_EQ(motion.Stop(), rest);
  }
}

// One that begins outside may stay and come in, and is never farther out.
TEST(BoundedMotion, FromOutsideItOnlyComesIn) {
  Region<3> region;
  region.radius = 0.5;
  BoundedMotion<3> motion(kLimits, 0.02);
  motion.Reset({0.7, 0, 0}, region);
  Asker<3> asker(3);
  for (int64_t step = 0; step < 3000; ++step) {
    EXPECT_LE(motion.Next(asker.Ask(step, motion.p())).norm(), 0.7 + 1e-8);
  }
  for (int step = 0; step < 500; ++step) motion.Next(Eigen::Vector3d::Zero());
  EXPECT_EQ(motion.p(), Eigen::Vector3d::Zero());
}

}  // namespace
}  // namespace understudy
