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

  // Another limit of speed, from now on. Requires that it is rising, or that the motion is reset
  // next: else there may be no way to rest.
  void SetSpeed(double speed) { limits_.speed = speed; }

  // At rest at `p`. A region that does not hold `p` is widened.
  void Reset(const Vector& p, const Region<N>& region = {});

  // A command that could be given next.
  struct Step {
    Vector a, p;    // its acceleration, and where it is
    Vector target;  // what it is on the way to
  };
  // Towards `target`, which must be finite. One outside of the region should be brought to its
  // nearest place inside: what is approached in a straight line ends where the line leaves.
  Step Towards(const Vector& target) const;
  // On the way to rest.
  Step ToRest() const;
  // Gives the command and returns it. Requires that none was given since the step was made.
  Vector Take(const Step& step);

  Vector Next(const Vector& target) { return Take(Towards(target)); }
  Vector Brake() { return Take(ToRest()); }

  const Vector& p() const { return p_; }
  bool Rests() const { return AtRest(v_, a_); }
  // Where it comes to rest if it brakes after `step`.
  Vector Stop(const Step& step) const;
  Vector Stop() const { return Stop(ToRest()); }
  // The same command by command: `visit` gets the difference of each to the one before.
  template <class Visit>
  void FollowToRest(const Step& step, Visit&& visit) const {
    WayToRest(v_, step.a, [&](const Vector& v) {
      visit(Vector(v * dt_));
      return true;
    });
  }
  // Gives the place where it is another name: speed and acceleration stay. The region moves along.
  void Rename(const Vector& p);

 private:
  // Brakes from speed `v`, beginning with acceleration `a`: `visit` gets the speed of each command
  // until it rests, and may end it. Says whether it came to rest.
  template <class Visit>
  bool WayToRest(Vector v, Vector a, Visit&& visit) const {
    constexpr int kMostSteps = 4000;
    for (int step = 0; step < kMostSteps; ++step) {
      v += a * dt_;
      if (!visit(v)) return false;
      if (AtRest(v, a)) return true;
      a = Braking(v, a);
    }
    return false;
  }
  // With nothing left to take back that one step could not.
  bool AtRest(const Vector& v, const Vector& a) const;
  // Whether limits and region hold until it rests if it begins with acceleration `a`.
  bool Sound(const Vector& a) const;
  // How far it comes, beginning with `a`, until it moves with `u` (per s), seen by what does so
  // all the time.
  Vector Approach(const Vector& u, const Vector& a) const;
  Vector Braking(const Vector& v, const Vector& a) const;
  bool Allowed(const Vector& a) const;
  // The acceleration that brings it to `target` soonest, limits of place and speed aside.
  Vector Aim(const Vector& target, const Vector& u) const;
  Step StepOf(const Vector& a, const Vector& target) const;

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
