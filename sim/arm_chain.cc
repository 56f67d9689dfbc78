#include "sim/arm_chain.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>

#include "core/base/rng.h"
#include "sim/osc.h"

namespace understudy {
namespace {

using Eigen::MatrixXd;
using Eigen::Vector3d;
using Eigen::VectorXd;

constexpr int kIterations = 60;
constexpr double kLargestStep = 0.2;  // rad per joint and iteration: keeps the search local
constexpr double kConverged = 1e-9;   // rad

// J^T (J J^T + damping I)^-1
MatrixXd Inverse(const MatrixXd& J, double damping) {
  MatrixXd A = J * J.transpose();
  A.diagonal().array() += damping;
  return A.llt().solve(J).transpose();
}

// The step towards position and orientation `error` [m; rad]; `rest` (rad) is what the joints would
// rather do where that is free.
VectorXd StepTowards(const MatrixXd& J, const Vector6d& error, const VectorXd& rest) {
  const auto eye = MatrixXd::Identity(J.cols(), J.cols());
  if (J.cols() >= 6) {
    const MatrixXd inverse = Inverse(J, 1e-8 + 1e-3 * std::min(1.0, error.squaredNorm()));
    return inverse * error + (eye - inverse * J) * rest;
  }
  // the position first, the orientation with what is left
  const MatrixXd J_p = J.topRows<3>(), J_r = J.bottomRows<3>();
  const Vector3d e_p = error.head<3>(), e_r = error.tail<3>();
  const MatrixXd inverse = Inverse(J_p, 1e-9 + 1e-2 * std::min(1.0, e_p.squaredNorm()));
  const VectorXd first = inverse * e_p;
  const MatrixXd left = eye - inverse * J_p;
  return first + left * (Inverse(J_r * left, 1e-6) * (e_r - J_r * first));
}

}  // namespace

ArmChain::ArmChain(const mjModel& model, const mjData& data, const ArmIndex& arm)
    : X_WE_(ControlPose(model, data, arm)) {
  const auto joints = static_cast<Eigen::Index>(arm.joints.size());
  q0_.resize(joints);
  lower_ = upper_ = home_ = q0_;
  for (Eigen::Index i = 0; i < joints; ++i) {
    const auto k = static_cast<size_t>(i);
    const int joint = arm.joints[k];
    const bool limited = model.jnt_limited[joint] != 0;
    q0_[i] = data.qpos[arm.qpos[k]];
    lower_[i] = limited ? model.jnt_range[2 * joint] : -2 * mjPI;
    upper_[i] = limited ? model.jnt_range[2 * joint + 1] : 2 * mjPI;
    home_[i] = arm.home[k];
    axes_W_.emplace_back(data.xaxis + 3 * joint);
    anchors_W_.emplace_back(data.xanchor + 3 * joint);
  }
}

Pose ArmChain::Forward(const VectorXd& q, MatrixXd* J) const {
  const Eigen::Index joints = q0_.size();
  std::vector<Vector3d> axes, anchors;
  Pose moved;  // of what hangs from the joints so far, since q0
  for (Eigen::Index i = 0; i < joints; ++i) {
    const auto k = static_cast<size_t>(i);
    axes.push_back(moved.rotation() * axes_W_[k]);
    anchors.push_back(moved * anchors_W_[k]);
    const Eigen::Quaterniond turn = RotationExp((q[i] - q0_[i]) * axes_W_[k]);
    moved = moved * Pose(turn, anchors_W_[k] - turn * anchors_W_[k]);
  }
  const Pose X_WE = moved * X_WE_;
  if (J != nullptr) {
    J->resize(6, joints);
    for (Eigen::Index i = 0; i < joints; ++i) {
      const auto k = static_cast<size_t>(i);
      J->col(i).head<3>() = axes[k].cross(X_WE.translation() - anchors[k]);
      J->col(i).tail<3>() = axes[k];
    }
  }
  return X_WE;
}

VectorXd ArmChain::Nearest(const Pose& X_WE, const VectorXd& q_start) const {
  VectorXd q = q_start.cwiseMax(lower_).cwiseMin(upper_);
  for (int iteration = 0; iteration < kIterations; ++iteration) {
    MatrixXd J;
    const Pose X_WE_now = Forward(q, &J);
    Vector6d error;
    error.head<3>() = X_WE.translation() - X_WE_now.translation();
    error.tail<3>() = RotationLog(X_WE.rotation() * X_WE_now.rotation().conjugate());

    // joints that the step would drive beyond a limit are taken out of it
    VectorXd step;
    for (Eigen::Index pass = 0; pass <= q.size(); ++pass) {
      step = StepTowards(J, error, 0.1 * (home_ - q));
      bool blocked = false;
      for (Eigen::Index i = 0; i < q.size(); ++i) {
        const bool out = (step[i] < 0 && q[i] <= lower_[i]) || (step[i] > 0 && q[i] >= upper_[i]);
        if (!out) continue;
        J.col(i).setZero();
        step[i] = 0;
        blocked = true;
      }
      if (!blocked) break;
    }
    const double largest = step.cwiseAbs().maxCoeff();
    if (largest > kLargestStep) step *= kLargestStep / largest;
    q = (q + step).cwiseMax(lower_).cwiseMin(upper_);
    if (largest < kConverged) break;
  }
  return q;
}

VectorXd ArmChain::NearestOfAll(const Pose& X_WE) const {
  constexpr double kSamePlace = 1e-4, kSameTurn = 1e-3;  // m, rad
  constexpr int kDrawn = 40;
  std::vector<VectorXd> starts{q0_, home_};
  Rng rng(RngKey{}.WithStage("nearest posture"));
  for (int n = 0; n < kDrawn; ++n) {
    starts.emplace_back(q0_.size());
    for (Eigen::Index i = 0; i < q0_.size(); ++i) {
      starts.back()[i] = rng.Uniform(lower_[i], upper_[i]);
    }
  }
  VectorXd best;
  double distance = 0, angle = 0;
  for (const VectorXd& start : starts) {
    if (best.size() > 0 && distance < kSamePlace && angle < kSameTurn) break;
    const VectorXd q = Nearest(X_WE, start);
    const Pose X_WE_q = Forward(q);
    const double d = (X_WE_q.translation() - X_WE.translation()).norm();
    const double a = AngleBetween(X_WE_q.rotation(), X_WE.rotation());
    const bool nearer =
        best.size() == 0 || d < distance - kSamePlace || (d < distance + kSamePlace && a < angle);
    if (!nearer) continue;
    best = q;
    distance = d;
    angle = a;
  }
  return best;
}

}  // namespace understudy
