#pragma once

#include <Eigen/Core>
#include <limits>

namespace understudy {

// Largest lengths of the differences of successive commands, per s, s^2 and s^3.
struct MotionLimits {
  double speed = 1, acceleration = 1, jerk = 1;
};

// Where commands may be: a box and a ball.
template <int N>
struct Region {
  using Vector = Eigen::Matrix<double, N, 1>;
  Vector lower = Vector::Constant(-std::numeric_limits<double>::infinity());
  Vector upper = Vector::Constant(std::numeric_limits<double>::infinity());
  Vector centre = Vector::Zero();
  double radius = std::numeric_limits<double>::infinity();
  bool Holds(const Vector& p) const;
  // Makes it hold `p`.
  void Widen(const Vector& p);
};

// Commands of N coordinates at a fixed rate that keep limits of speed, acceleration and jerk and
// stay in a region, whatever they are asked to follow. Every command that is given leaves a way to
// come to rest within the limits and the region, found by going it in advance; where what is asked
// for would leave none, the command goes as far towards it as leaves one. So the first step of the
// way to rest that was found before is always there to be taken (a safe set by recursion, as in
// model predictive control; see Rawlings, Mayne, Diehl 2017, section 2.2). Targets that keep the
// limits are passed on bit for bit. One that does not is followed as the limits allow until it is
// caught up with, moving as it moves; one that jumps counts as at rest, and is passed by at most
// jerk dt^3 / 8. Nothing is allocated.
template <int N>
class BoundedMotion {
 public:
  using Vector = Eigen::Matrix<double, N, 1>;

  // Requires limits and `dt_s` above 0.
  BoundedMotion(const MotionLimits& limits, double dt_s);

  // At rest at `p`. A region that does not hold `p` is widened.
  void Reset(const Vector& p, const Region<N>& region = {});

  // Towards `target`, which must be finite. One outside of the region should be brought to its
  // nearest place inside: what is approached in a straight line ends where the line leaves.
  Vector Next(const Vector& target);
  // On the way to rest.
  Vector Brake();

  const Vector& p() const { return p_; }
  // Where it comes to rest if it brakes from now on, or, of a `target`, after Next(target).
  Vector Stop(const Vector* target = nullptr) const;
  // The same step by step: `visit` gets the difference of each command to the one before.
  template <class Visit>
  void FollowToRest(const Vector* target, Visit&& visit) const {
    bool exact = false;
    Vector v = v_, a = target != nullptr ? Choose(*target, &exact) : Braking(v_, a_);
    for (int step = 0; step < kMostSteps; ++step) {
      v += a * dt_;
      visit(Vector(v * dt_));
      if (AtRest(v, a)) return;
      a = Braking(v, a);
    }
  }
  // Gives the place where it is another name: speed and acceleration stay. The region moves along.
  void Rename(const Vector& p);

 private:
  static constexpr int kMostSteps = 4000;  // to rest
  // With nothing left to take back that one step could not.
  bool AtRest(const Vector& v, const Vector& a) const;
  // Where braking ends that begins with acceleration `a`; whether limits and region hold on the
  // way.
  struct Way {
    bool sound = false;
    Vector stop;
  };
  Way Go(const Vector& a) const;
  // How far it comes, beginning with `a`, until it moves with `u` (per s), seen by what does so
  // all the time.
  Vector Approach(const Vector& u, const Vector& a) const;
  Vector Braking(const Vector& v, const Vector& a) const;
  bool Allowed(const Vector& a) const;
  // The acceleration that brings it to `target` soonest, limits of place and speed aside.
  Vector Aim(const Vector& target, const Vector& u) const;
  // The next acceleration on the way to `target`; whether it reaches it at once.
  Vector Choose(const Vector& target, bool* exact) const;
  void Move(const Vector& p);

  MotionLimits limits_;
  double dt_;
  Region<N> region_;
  Vector p_ = Vector::Zero(), v_ = Vector::Zero(), a_ = Vector::Zero();
  Vector target_ = Vector::Zero();  // the last one; how fast targets move
};

extern template struct Region<1>;
extern template struct Region<3>;
extern template class BoundedMotion<1>;
extern template class BoundedMotion<3>;

}  // namespace understudy
