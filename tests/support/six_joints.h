#pragma once

// An arm of six joints whose kinematics are lines of a book: a turning base, shoulder and elbow in
// one plane, and a wrist whose axes meet in a point.

#include <cmath>
#include <optional>

#include "core/seam/kinematics.h"

namespace understudy {

class SixJoints final : public Kinematics {
 public:
  SixJoints() : lower_(Eigen::VectorXd::Constant(6, -2.5)), upper_(-lower_) {}

  // A posture with a bent elbow and wrist.
  static Eigen::VectorXd Bent() {
    Eigen::VectorXd q(6);
    q << 0.2, -0.7, 1.4, 0.3, 0.9, -0.2;
    return q;
  }

  // The posture that puts E at or near X_WE, from `q` on, as a controller finds it.
  Eigen::VectorXd Follow(const Pose& X_WE, Eigen::VectorXd q) {
    for (int i = 0; i < 20; ++i) {
      const Pose X = Forward(q);
      Eigen::Matrix<double, 6, 1> off;
      off << X_WE.translation() - X.translation(),
          RotationLog(X_WE.rotation() * X.rotation().conjugate());
      const Eigen::MatrixXd J = Jacobian(q);
      Eigen::MatrixXd A = J * J.transpose();
      A.diagonal().array() += 1e-4;
      q += J.transpose() * A.ldlt().solve(off);
    }
    return q;
  }

  Eigen::VectorXd lower_, upper_;  // rad

 private:
  const Eigen::VectorXd& DoLower() const override { return lower_; }
  const Eigen::VectorXd& DoUpper() const override { return upper_; }
  std::optional<IkSolution> DoSolve(const Pose&, const Eigen::VectorXd&) override {
    return std::nullopt;
  }
  Pose DoForward(const Eigen::VectorXd& q) override { return Chain(q, nullptr); }
  ArmJacobian DoJacobian(const Eigen::VectorXd& q) override {
    Eigen::MatrixXd J(6, 6);
    Chain(q, &J);
    return J;
  }

  static Pose Chain(const Eigen::VectorXd& q, Eigen::MatrixXd* J) {
    using Eigen::Vector3d;
    // axis of each joint, and what leads from it to the next
    const Vector3d axes[6] = {Vector3d::UnitZ(), Vector3d::UnitY(), Vector3d::UnitY(),
                              Vector3d::UnitX(), Vector3d::UnitY(), Vector3d::UnitX()};
    const Vector3d links[6] = {{0, 0, 0.3}, {0.4, 0, 0}, {0.4, 0, 0},
                               {0, 0, 0},   {0, 0, 0},   {0.1, 0, 0}};
    Pose X;
    Vector3d axes_W[6], anchors_W[6];
    for (int i = 0; i < 6; ++i) {
      axes_W[i] = X.rotation() * axes[i];
      anchors_W[i] = X.translation();
      X = X * Pose(RotationExp(q[i] * axes[i]), Vector3d::Zero());
      X = X * Pose(Eigen::Quaterniond::Identity(), links[i]);
    }
    for (int i = 0; J != nullptr && i < 6; ++i) {
      J->col(i).head<3>() = axes_W[i].cross(X.translation() - anchors_W[i]);
      J->col(i).tail<3>() = axes_W[i];
    }
    return X;
  }
};

}  // namespace understudy
