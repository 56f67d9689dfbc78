#include "core/motion/posture_guard.h"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/error.h"

namespace understudy {
namespace {

using Eigen::VectorXd;
using Vector6d = Eigen::Matrix<double, 6, 1>;
// of what counts: 6 or 3 rows
using Jacobian =
    Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor, 6, kMostJoints>;
using Square = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor, 6, 6>;
using Motion = Eigen::Matrix<double, Eigen::Dynamic, 1, Eigen::ColMajor, 6, 1>;

constexpr double kMoves = 0.5;     // share of moving in what is lost; the rest turns
constexpr double kDamping = 0.05;  // m/rad, of the prediction
constexpr double kLeftOver = 0.1;  // share of a motion that may be missing where others take over
constexpr double kMore = 3;        // times as far may one of them turn as any turned before

// What counts of an arm's Jacobian: the position alone where it has fewer than six joints.
Jacobian Counting(const ArmJacobian& J) { return J.topRows(J.cols() >= 6 ? 6 : 3); }

Square Squared(const Jacobian& J) { return J.lazyProduct(J.transpose()); }

JointVector JointsOf(const Jacobian& J, const Vector6d& motion) {
  Square A = Squared(J);
  A.diagonal().array() += kDamping * kDamping;
  const Motion solved = A.llt().solve(Motion(motion.head(J.rows())));
  return J.transpose().lazyProduct(solved);
}

Vector6d Together(const Eigen::Vector3d& step, const Eigen::Vector3d& turn) {
  Vector6d both;
  both << step, turn;
  return both;
}

}  // namespace

// The posture of the last command.
class PostureGuard::Local {
 public:
  // `scratch` is the guard's, so that nothing is allocated.
  Local(const PostureGuard& guard, const VectorXd& q, const Pose& X_WE_cmd, VectorXd& scratch)
      : options_(guard.options_), kinematics_(*guard.kinematics_) {
    const Pose X_WE = kinematics_.Forward(q);
    const Jacobian J = Counting(kinematics_.Jacobian(q));
    ahead_ = Together(X_WE_cmd.translation() - X_WE.translation(),
                      RotationLog(X_WE_cmd.rotation() * X_WE.rotation().conjugate()));
    q_ = q + JointsOf(J, ahead_);
    scratch = q_;
    J_ = Counting(kinematics_.Jacobian(scratch));
    // directions in which the arm can hardly move
    const Eigen::SelfAdjointEigenSolver<Square> solver(Squared(J));
    const double least = options_.singular_value * options_.singular_value;
    for (Eigen::Index i = 0; i < J.rows() && solver.eigenvalues()[i] < least; ++i) {
      Vector6d way = Vector6d::Zero();
      way.head(J.rows()) = solver.eigenvectors().col(i);
      if (way.head<3>().squaredNorm() > kMoves) lost_[lost_count_++] = way;
    }
  }

  // How much of moving the command by `motion`, after `before`, is allowed.
  double ShareOf(const Vector6d& motion, const Vector6d& before, double dt_s) const {
    double share = 1;
    const double part = 1 - std::exp(-dt_s / options_.approach_time);
    const auto damp = [&](double room, double used, double margin) {
      if (used <= 0 || room - used >= margin) return;
      share = std::min(share, part * std::max(0.0, room) / used);
    };
    const double stop = options_.limit_margin / 2;
    const JointVector q = q_ + JointsOf(J_, before), dq = JointsOf(J_, motion);
    const bool handed_over = OthersTakeOver(q, dq, motion, stop);
    for (Eigen::Index i = 0; i < q.size() && !handed_over; ++i) {
      damp(q[i] - kinematics_.lower()[i] - stop, -dq[i], stop);
      damp(kinematics_.upper()[i] - q[i] - stop, dq[i], stop);
    }
    const Vector6d ahead = ahead_ + before, then = ahead + motion;
    for (size_t i = 0; i < lost_count_; ++i) {
      const Vector6d& way = lost_[i];
      const double now = std::abs(way.dot(ahead));
      damp(options_.lead - now, std::abs(way.dot(then)) - now, options_.lead / 4);
    }
    return share;
  }

 private:
  // Whether `motion` can be made without the joints that would come too near to their ends, as by
  // an arm that has more joints than it needs (saturation in the null space, Flacco et al. 2012).
  bool OthersTakeOver(const JointVector& q, JointVector dq, const Vector6d& motion,
                      double stop) const {
    if (J_.cols() <= J_.rows()) return false;
    Jacobian J = J_;
    const Motion wanted = motion.head(J.rows());
    const double most = dq.cwiseAbs().maxCoeff();
    for (Eigen::Index round = 0; round <= q.size(); ++round) {
      bool free = true;
      for (Eigen::Index i = 0; i < q.size(); ++i) {
        const double room =
            dq[i] < 0 ? q[i] - kinematics_.lower()[i] : kinematics_.upper()[i] - q[i];
        if (dq[i] == 0 || room - std::abs(dq[i]) >= 2 * stop) continue;
        J.col(i).setZero();
        free = false;
      }
      if (free) return true;
      dq = JointsOf(J, motion);
      const Motion made = J.lazyProduct(dq);
      if ((made - wanted).norm() > kLeftOver * wanted.norm()) return false;
      if (dq.cwiseAbs().maxCoeff() > kMore * most) return false;
    }
    return false;
  }

  const PostureOptions& options_;
  Kinematics& kinematics_;
  JointVector q_;                 // rad, of the command
  Jacobian J_;                    // there
  Vector6d ahead_;                // m and rad, of the command over the arm
  std::array<Vector6d, 6> lost_;  // of unit length
  size_t lost_count_ = 0;
};

PostureGuard::PostureGuard(const PostureOptions& options, std::shared_ptr<Kinematics> kinematics)
    : options_(options), kinematics_(std::move(kinematics)) {
  Require(kinematics_ != nullptr, "a posture guard needs the kinematics of its arm");
}

PostureGuard::Share PostureGuard::Allow(const VectorXd& q, const Pose& X_WE_cmd,
                                        const Eigen::Vector3d& step, const Eigen::Vector3d& turn,
                                        double dt_s) const {
  Share share;
  if (!options_.enabled || q.size() != kinematics_->joints()) return share;
  const Local arm(*this, q, X_WE_cmd, scratch_);
  if (arm.ShareOf(Together(step, turn), Vector6d::Zero(), dt_s) == 1) return share;
  // a turn that cannot be made must not keep the hand from moving
  const Eigen::Vector3d none = Eigen::Vector3d::Zero();
  share.linear = arm.ShareOf(Together(step, none), Vector6d::Zero(), dt_s);
  share.angular = arm.ShareOf(Together(none, turn), Together(share.linear * step, none), dt_s);
  return share;
}

}  // namespace understudy
