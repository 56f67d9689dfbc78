#include "sim/arm_chain.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/base/rng.h"
#include "sim/osc.h"

namespace understudy {
namespace {

using Eigen::Dynamic;
using Eigen::Vector3d;
// Of at most so many rows and columns: nothing is allocated.
template <int rows, int cols>
using Bounded = Eigen::Matrix<double, Dynamic, Dynamic, Eigen::ColMajor, rows, cols>;
using OfSquare = Bounded<kMostJoints, kMostJoints>;

constexpr int kIterations = 60;
constexpr double kLargestStep = 0.2;  // rad per joint and iteration: keeps the search local
constexpr double kConverged = 1e-9;   // rad

// J^T (J J^T + damping I)^-1
Bounded<kMostJoints, 6> Inverse(const Bounded<6, kMostJoints>& J, double damping) {
  Bounded<6, 6> A = J * J.transpose();
  A.diagonal().array() += damping;
  return A.llt().solve(J).transpose();
}

// The step towards position and orientation `error` [m; rad]; `rest` (rad) is what the joints would
// rather do where that is free.
JointVector StepTowards(const ArmJacobian& J, const Vector6d& error, const JointVector& rest) {
  const auto eye = OfSquare::Identity(J.cols(), J.cols());
  if (J.cols() >= 6) {
    const Bounded<kMostJoints, 6> inverse =
        Inverse(J, 1e-8 + 1e-3 * std::min(1.0, error.squaredNorm()));
    return inverse * error + (eye - inverse * J) * rest;
  }
  // the position first, the orientation with what is left
  const Bounded<6, kMostJoints> J_p = J.topRows<3>(), J_r = J.bottomRows<3>();
  const Vector3d e_p = error.head<3>(), e_r = error.tail<3>();
  const Bounded<kMostJoints, 6> inverse =
      Inverse(J_p, 1e-9 + 1e-2 * std::min(1.0, e_p.squaredNorm()));
  const JointVector first = inverse * e_p;
  const OfSquare left = eye - inverse * J_p;
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
    axes_W_[k] = Eigen::Map<const Vector3d>(data.xaxis + 3 * joint);
    anchors_W_[k] = Eigen::Map<const Vector3d>(data.xanchor + 3 * joint);
  }
}

Pose ArmChain::Forward(const JointVector& q, ArmJacobian* J) const {
  const Eigen::Index joints = q0_.size();
  OfJoints axes, anchors;
  Pose moved;  // of what hangs from the joints so far, since q0
  for (Eigen::Index i = 0; i < joints; ++i) {
    const auto k = static_cast<size_t>(i);
    axes[k] = moved.rotation() * axes_W_[k];
    anchors[k] = moved * anchors_W_[k];
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

JointVector ArmChain::Nearest(const Pose& X_WE, const JointVector& q_start) const {
  JointVector q = q_start.cwiseMax(lower_).cwiseMin(upper_);
  for (int iteration = 0; iteration < kIterations; ++iteration) {
    ArmJacobian J;
    const Pose X_WE_now = Forward(q, &J);
    Vector6d error;
    error.head<3>() = X_WE.translation() - X_WE_now.translation();
    error.tail<3>() = RotationLog(X_WE.rotation() * X_WE_now.rotation().conjugate());

    // joints that the step would drive beyond a limit are taken out of it
    JointVector step;
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

JointVector ArmChain::NearestOfAll(const Pose& X_WE) const {
  constexpr double kSamePlace = 1e-4, kSameTurn = 1e-3;  // m, rad
  constexpr int kDrawn = 40;
  std::vector<JointVector> starts{q0_, home_};
  Rng rng(RngKey{}.WithStage("nearest posture"));
  for (int n = 0; n < kDrawn; ++n) {
    starts.emplace_back(q0_.size());
    for (Eigen::Index i = 0; i < q0_.size(); ++i) {
      starts.back()[i] = rng.Uniform(lower_[i], upper_[i]);
    }
  }
  JointVector best;
  double distance = 0, angle = 0;
  for (const JointVector& start : starts) {
    if (best.size() > 0 && distance < kSamePlace && angle < kSameTurn) break;
    const JointVector q = Nearest(X_WE, start);
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
