#pragma once

#include <Eigen/Core>
#include <memory>

#include "core/base/options.h"
#include "core/geometry/pose.h"
#include "core/seam/kinematics.h"

namespace understudy {

// All of it changes results, near the ends of joints and in singular postures only. Measured on the
// scripted operators of the six tasks, whose demonstrations are what they were: they come as near
// as 0.047 rad to the end of a joint (joint 4 of two_arm_three_piece_assembly), and up to a
// singular value of 0.05 none of their commands is farther ahead of its arm than the lead in a lost
// direction that is one of moving more than of turning.
struct PostureOptions {
  bool enabled = true;
  double limit_margin = 0.04;
  double singular_value = 0.04;
  double lead = 0.03;
  double approach_time = 0.1;
  bool operator==(const PostureOptions&) const = default;
  template <class V>
  void Visit(V& v) {
    v("enabled", enabled, "slow the hand where a joint nears its end or the arm is stretched out");
    v("limit_margin", limit_margin,
      "rad before the end of a joint where the hand begins to slow; it stops at half",
      Limits{1e-3, 1});
    v("singular_value", singular_value,
      "m/rad; where the arm moves in a direction with less per turn of its joints, it has lost it",
      Limits{0, 1});
    v("lead", lead,
      "m (and rad) that the command may be ahead of the arm in a direction that is lost",
      Limits{1e-3, 1});
    v("approach_time", approach_time,
      "s in which what is left of the way to the stop shrinks to a third", Limits{0.01, 10});
  }
};

// Keeps commands out of what an arm cannot follow: nearer to the end of a joint than the margin,
// and farther ahead of the arm in a direction in which it can hardly move any more, as one that is
// stretched out. A step of the command that leads there is shortened so that what is left of the
// way shrinks by no more than a share per time, a velocity damper (Faverjon & Tournassoud 1987):
// the hand slows and then holds. Steps away from there, and all steps elsewhere, are not touched at
// all, and neither are those that the arm's other joints can make. Joints are predicted from where
// they are measured by damped least squares (Nakamura & Hanafusa 1986). Of arms with fewer than six
// joints the position alone counts, since their orientation is given up first. A turn that is lost
// holds nothing: the limiter's box around the arm does.
class PostureGuard {
 public:
  PostureGuard(const PostureOptions& options, std::shared_ptr<Kinematics> kinematics);

  // Of a step, in [0, 1]: 1 exactly where nothing is near.
  struct Share {
    double linear = 1, angular = 1;
  };
  // How much of moving the command by `step` (m) and `turn` (rad), both in W, from `X_WE_cmd`
  // within `dt_s` is allowed, with the arm at `q`; the way first, the turn after it.
  Share Allow(const Eigen::VectorXd& q, const Pose& X_WE_cmd, const Eigen::Vector3d& step,
              const Eigen::Vector3d& turn, double dt_s) const;

 private:
  class Local;

  PostureOptions options_;
  std::shared_ptr<Kinematics> kinematics_;
  mutable Eigen::VectorXd scratch_;
};

}  // namespace understudy
