#include "core/motion/bounded_motion.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"

namespace understudy {
namespace {

constexpr double kRounding = 1e-9;  // share by which a limit may be passed
constexpr double kSame = 1e-6;      // share of the speed limit in which two speeds are one
constexpr int kHalvings = 24;       // of the way to what is asked for

// The largest t with |from + t way| <= radius, for |from| <= radius and |way| = 1.
template <class Vector>
double Exit(const Vector& from, const Vector& way, double radius) {
  const double along = from.dot(way);
  const double inside = along * along - from.squaredNorm() + radius * radius;
  return std::max(0.0, -along + std::sqrt(std::max(0.0, inside)));
}

// The largest share in [0, 1] that holds, where 0 does and what holds does so up to a share.
template <class Holds>
double Largest(const Holds& holds) {
  if (holds(1)) return 1;
  double least = 0, most = 1;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = 0.5 * (least + most);
    (holds(middle) ? least : most) = middle;
  }
  return least;
}

}  // namespace

template <int N>
bool Region<N>::Holds(const Vector& p) const {
  const double slack = kRounding;
  return (p.array() >= lower.array() - slack).all() && (p.array() <= upper.array() + slack).all() &&
         (p - centre).norm() <= radius + slack;
}

template <int N>
void Region<N>::Widen(const Vector& p) {
  lower = lower.cwiseMin(p);
  upper = upper.cwiseMax(p);
  radius = std::max(radius, (p - centre).norm());
}

template <int N>
BoundedMotion<N>::BoundedMotion(const MotionLimits& limits, double dt_s)
    : limits_(limits), dt_(dt_s) {
  Require(limits.speed > 0 && limits.acceleration > 0 && limits.jerk > 0 && dt_s > 0,
          "limits of a motion");
}

template <int N>
void BoundedMotion<N>::Reset(const Vector& p, const Region<N>& region) {
  Require(p.allFinite(), "a motion begins somewhere");
  p_ = p;
  v_.setZero();
  a_.setZero();
  target_ = p;
  region_ = region;
  region_.Widen(p);
}

template <int N>
void BoundedMotion<N>::Rename(const Vector& p) {
  const Vector shift = p - p_;
  region_.lower += shift;
  region_.upper += shift;
  region_.centre += shift;
  target_ += shift;
  p_ = p;
}

// Towards v = 0 and a = 0 together: with n steps of jerk J left, a = n J dt takes v = J dt^2 n (n +
// 1) / 2 away.
template <int N>
auto BoundedMotion<N>::Braking(const Vector& v, const Vector& a) const -> Vector {
  const double change = limits_.jerk * dt_, speed = v.norm();
  Vector wanted = -v / dt_;  // rest at once
  double most = limits_.acceleration;
  if (const double steps = speed / (change * dt_); steps > 1) {
    most = std::min(most, change * (std::sqrt(1 + 8 * steps) - 1) / 2);
  }
  if (const double size = wanted.norm(); size > most) wanted *= most / size;
  Vector more = wanted - a;
  if (const double size = more.norm(); size > change) more *= change / size;
  return a + more;
}

template <int N>
bool BoundedMotion<N>::AtRest(const Vector& v, const Vector& a) const {
  return v.norm() <= 1e-12 * limits_.speed && a.norm() <= limits_.jerk * dt_;
}

template <int N>
bool BoundedMotion<N>::Allowed(const Vector& a) const {
  const double more = 1 + kRounding;
  return (a - a_).norm() <= limits_.jerk * dt_ * more && a.norm() <= limits_.acceleration * more;
}

template <int N>
bool BoundedMotion<N>::Sound(const Vector& a) const {
  Vector p = p_;
  return WayToRest(v_, a, [&](const Vector& v) {
    p += v * dt_;
    return v.norm() <= limits_.speed * (1 + kRounding) && region_.Holds(p);
  });
}

template <int N>
auto BoundedMotion<N>::StepOf(const Vector& a, const Vector& target) const -> Step {
  return {a, p_ + (v_ + a * dt_) * dt_, target};
}

template <int N>
auto BoundedMotion<N>::ToRest() const -> Step {
  Step step = StepOf(Braking(v_, a_), p_);
  step.target = step.p;
  return step;
}

template <int N>
auto BoundedMotion<N>::Towards(const Vector& target) const -> Step {
  // a target that jumps is taken to be at rest
  Vector u = (target - target_) / dt_;
  if (u.norm() > limits_.speed) u.setZero();
  // moving with it, not past it
  const Vector v = (target - p_) / dt_, at_once = (v - v_) / dt_;
  if ((v - u).norm() <= kSame * limits_.speed && Allowed(at_once) && Sound(at_once)) {
    return {at_once, target, target};
  }
  // as far from braking to what is wished for as leaves a way to rest
  const Vector braking = Braking(v_, a_), more = Aim(target, u) - braking;
  const double most = Largest([&](double share) { return Sound(braking + share * more); });
  return StepOf(braking + most * more, target);
}

template <int N>
auto BoundedMotion<N>::Approach(const Vector& u, const Vector& first) const -> Vector {
  Vector way = Vector::Zero();
  WayToRest(v_ - u, first, [&](const Vector& v) {
    way += v * dt_;
    return true;
  });
  return way;
}

template <int N>
auto BoundedMotion<N>::Aim(const Vector& target, const Vector& u) const -> Vector {
  // where it would end beside the target is what is moved to it
  const Vector falling_back = Braking(v_ - u, a_), now = Approach(u, falling_back);
  Vector way = target - u * dt_ - p_ - now;
  const double distance = way.norm();
  if (distance <= 1e-12) return falling_back;
  way /= distance;
  const double most = std::min(Exit<Vector>(falling_back - a_, way, limits_.jerk * dt_),
                               Exit<Vector>(falling_back, way, limits_.acceleration));
  const double share = Largest([&](double part) {
    const Vector then = Approach(u, falling_back + part * most * way);
    return (then - now).dot(way) <= distance * (1 + kRounding);
  });
  return falling_back + share * most * way;
}

// Speed and acceleration are the differences of what was given, rounding and all.
template <int N>
auto BoundedMotion<N>::Take(const Step& step) -> Vector {
  const Vector v = (step.p - p_) / dt_;
  a_ = (v - v_) / dt_;
  v_ = v;
  p_ = step.p;
  target_ = step.target;
  return p_;
}

template <int N>
auto BoundedMotion<N>::Stop(const Step& step) const -> Vector {
  Vector p = p_;
  FollowToRest(step, [&](const Vector& by) { p += by; });
  return p;
}

template struct Region<1>;
template struct Region<3>;
template class BoundedMotion<1>;
template class BoundedMotion<3>;

}  // namespace understudy
