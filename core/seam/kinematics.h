#pragma once

#include <Eigen/Core>
#include <optional>

#include "core/episode/action.h"
#include "core/geometry/pose.h"

namespace understudy {

// Joint angles that bring E to a pose, with the remaining errors.
struct IkSolution {
  JointVector q;              // rad, inside the limits
  double position_error = 0;  // m
  double rotation_error = 0;  // rad
  int iterations = 0;
};

// 6 x joints: [v; w] per rad/s of each joint. Holds its numbers itself: a control loop allocates
// nothing.
using ArmJacobian = Eigen::Matrix<double, 6, Eigen::Dynamic, Eigen::ColMajor, 6, kMostJoints>;

// Geometry of one arm without dynamics: where a posture puts its control frame E, and which posture
// puts it somewhere. One per thread: calls share scratch space.
class Kinematics {
 public:
  virtual ~Kinematics() = default;

  int joints() const { return static_cast<int>(lower().size()); }
  const Eigen::VectorXd& lower() const { return DoLower(); }  // rad
  const Eigen::VectorXd& upper() const { return DoUpper(); }  // rad

  // X_WE at `q`. Requires joints() angles; they may lie outside the limits.
  Pose Forward(const Eigen::VectorXd& q) { return DoForward(q); }

  // Of E in W.
  ArmJacobian Jacobian(const Eigen::VectorXd& q) { return DoJacobian(q); }

  // A posture inside the limits that reaches X_WE, searched from `q_start`; none if the search does
  // not end within tolerance. Deterministic.
  std::optional<IkSolution> Solve(const Pose& X_WE, const Eigen::VectorXd& q_start) {
    return DoSolve(X_WE, q_start);
  }

  // Whether at `q` no link of the arm is inside another one, inside its base or inside what is
  // fixed to the world, and the hand inside none of the links. Objects and other arms are not
  // asked, nor what the hand touches.
  bool Clear(const JointVector& q) { return DoClear(q); }

  // The posture inside the limits that brings E nearest to X_WE, searched from `q_start`: of arms
  // that cannot take every orientation the position comes first.
  JointVector Nearest(const Pose& X_WE, const Eigen::VectorXd& q_start) {
    return DoNearest(X_WE, q_start);
  }

 private:
  virtual const Eigen::VectorXd& DoLower() const = 0;
  virtual const Eigen::VectorXd& DoUpper() const = 0;
  virtual Pose DoForward(const Eigen::VectorXd& q) = 0;
  virtual ArmJacobian DoJacobian(const Eigen::VectorXd& q) = 0;
  virtual std::optional<IkSolution> DoSolve(const Pose& X_WE, const Eigen::VectorXd& q_start) = 0;
  // By default it always is.
  virtual bool DoClear(const JointVector&) { return true; }
  // By default what Solve finds, or `q_start`.
  virtual JointVector DoNearest(const Pose& X_WE, const Eigen::VectorXd& q_start) {
    const std::optional<IkSolution> found = DoSolve(X_WE, q_start);
    return found ? found->q : JointVector(q_start);
  }
};

}  // namespace understudy
