#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>

#include "core/base/rng.h"
#include "core/motion/safety_filter.h"

// An arm for tests of what guards commands, and policies that nobody would trust.
namespace understudy::guarded {

using Eigen::Vector3d;
using Eigen::VectorXd;

inline constexpr double kDt = 0.02;
inline const Pose kBase = PoseFromYaw(0.6, {0.2, -0.1, 0.4});

// Three slides and a ball: joints are the place of E in B and a rotation vector in W.
class Gantry : public Kinematics {
 public:
  Gantry() : lower_(6), upper_(6) {
    lower_ << -0.5, -0.5, -0.5, -1.2, -1.2, -1.2;
    upper_ = -lower_;
  }

 private:
  const VectorXd& DoLower() const override { return lower_; }
  const VectorXd& DoUpper() const override { return upper_; }
  Pose DoForward(const VectorXd& q) override {
    return {RotationExp(q.tail<3>()), kBase * Vector3d(q.head<3>())};
  }
  ArmJacobian DoJacobian(const VectorXd&) override { return ArmJacobian::Zero(6, 6); }
  std::optional<IkSolution> DoSolve(const Pose& X_WE, const VectorXd&) override {
    VectorXd q(6);
    q << kBase.Inverse() * X_WE.translation(), RotationLog(X_WE.rotation());
    if (q.head<3>().norm() > 3) return std::nullopt;
    return IkSolution{q};
  }
  VectorXd lower_, upper_;
};

inline SafetyOptions Options() {
  SafetyOptions options;
  options.z = {-0.1, 0.4};
  return options;
}

inline GuardedArm Arm(ActionKind kind) {
  return {.kind = kind,
          .X_WB = kBase,
          .reach = 0.6,
          .kinematics = std::make_shared<Gantry>(),
          .valid = {}};
}

inline ArmAction At(const VectorXd& q, ActionKind kind) {
  ArmAction action{Gantry().Forward(q), 0.5, {}};
  if (kind == ActionKind::kJoints) action.q_cmd = q;
  return action;
}
inline VectorXd JointsOf(const ArmAction& action) {
  return Gantry().Solve(action.X_WE_cmd, VectorXd::Zero(6))->q;
}

// Lengths of the differences of commands.
class Differences {
 public:
  explicit Differences(const ArmAction& first) : last_(first) {}
  void See(const ArmAction& now) {
    const Vector3d v = (now.X_WE_cmd.translation() - last_.X_WE_cmd.translation()) / kDt,
                   w = RotationLog(now.X_WE_cmd.rotation() *
                                   last_.X_WE_cmd.rotation().conjugate()) /
                       kDt;
    const Vector3d a = (v - v_) / kDt, alpha = (w - w_) / kDt;
    speed = std::max(speed, v.norm());
    acceleration = std::max(acceleration, a.norm());
    jerk = std::max(jerk, ((a - a_) / kDt).norm());
    turn = std::max(turn, w.norm());
    turn_acceleration = std::max(turn_acceleration, alpha.norm());
    turn_jerk = std::max(turn_jerk, ((alpha - alpha_) / kDt).norm());
    if (now.q_cmd.size() > 0) {
      const JointVector dq = (now.q_cmd - last_.q_cmd) / kDt;
      if (dq_.size() == 0) dq_ = ddq_ = JointVector::Zero(dq.size());
      const JointVector ddq = (dq - dq_) / kDt;
      joint_speed = std::max(joint_speed, dq.cwiseAbs().maxCoeff());
      joint_acceleration = std::max(joint_acceleration, ddq.cwiseAbs().maxCoeff());
      joint_jerk = std::max(joint_jerk, ((ddq - ddq_) / kDt).cwiseAbs().maxCoeff());
      dq_ = dq;
      ddq_ = ddq;
    }
    last_ = now;
    v_ = v;
    w_ = w;
    a_ = a;
    alpha_ = alpha;
  }
  double speed = 0, acceleration = 0, jerk = 0, turn = 0, turn_acceleration = 0, turn_jerk = 0,
         joint_speed = 0, joint_acceleration = 0, joint_jerk = 0;

 private:
  ArmAction last_;
  Vector3d v_ = Vector3d::Zero(), w_ = Vector3d::Zero(), a_ = Vector3d::Zero(),
           alpha_ = Vector3d::Zero();
  JointVector dq_, ddq_;
};

// Random, tiny, stepping, alternating and broken commands.
class HostilePolicy {
 public:
  HostilePolicy(ActionKind kind, uint64_t seed) : kind_(kind), rng_(RngKey{seed}) {}
  ArmAction Ask(const VectorXd& q) {
    if (++step_ % 30 == 0) mood_ = static_cast<int>(rng_.UniformInt(6));
    VectorXd wanted = last_.size() == 0 ? q : last_;
    for (double& x : wanted) {
      if (mood_ == 0) x = rng_.Uniform(-2, 2);
      if (mood_ == 1) x += 0.002 * rng_.Normal();
      if (mood_ == 2 && step_ % 30 == 0) x = rng_.Uniform(-1, 1);
      if (mood_ == 3) x = step_ % 2 ? 50 : -50;
      if (mood_ == 4) x = 0.3 * std::sin(0.05 * step_);
    }
    last_ = wanted;
    ArmAction action = At(wanted, kind_);
    action.gripper = rng_.Uniform(-3, 3);
    const double nothing = std::numeric_limits<double>::quiet_NaN();
    if (mood_ == 5 && step_ % 3 == 0) action.gripper = nothing;
    if (mood_ == 5 && step_ % 3 == 1 && kind_ == ActionKind::kJoints) action.q_cmd[2] = nothing;
    return action;
  }

 private:
  ActionKind kind_;
  Rng rng_;
  int64_t step_ = 0;
  int mood_ = 0;
  VectorXd last_;
};

// Of `steps` commands each keeps the limits, and each cause to stop comes up.
inline void ExpectLimitsKept(ActionKind kind, int64_t steps, uint64_t seed) {
  const SafetyOptions options = Options();
  SafetyFilter filter(options, Arm(kind), kDt);
  VectorXd q = VectorXd::Zero(6);
  filter.Reset(At(q, kind), q);
  Differences seen(At(q, kind));
  HostilePolicy policy(kind, seed);
  std::array<int, kSafetyStops> stops{};
  for (int64_t step = 0; step < steps; ++step) {
    const SafeCommand command = filter.Limit(policy.Ask(q), q);
    seen.See(command.action);
    for (size_t i = 0; i < kSafetyStops; ++i) stops[i] += command.stops[i];
    EXPECT_LE(std::abs(command.action.gripper), 1);
    q = kind == ActionKind::kJoints ? VectorXd(command.action.q_cmd) : JointsOf(command.action);
    // of poses the margin is for where they come to rest, and for what is passed on the way
    const double margin = kind == ActionKind::kJoints ? options.joint_margin - 1e-6 : 0.0;
    ASSERT_LE(q.head<3>().cwiseAbs().maxCoeff(), 0.5 - margin) << step;
    ASSERT_LE(q.tail<3>().cwiseAbs().maxCoeff(), 1.2 - margin) << step;
    if (kind == ActionKind::kJoints) continue;
    ASSERT_LE(q.head<3>().norm(), 0.6 + 1e-6) << step;
    ASSERT_GE(q[2], -0.1 - 1e-6) << step;
    ASSERT_LE(q[2], 0.4 + 1e-6) << step;
  }
  ArmAction rest = filter.Hold();
  for (int step = 0; step < 100; ++step) rest = filter.Hold();
  q = kind == ActionKind::kJoints ? VectorXd(rest.q_cmd) : JointsOf(rest);
  EXPECT_LE(q.head<3>().cwiseAbs().maxCoeff(), 0.5 - options.joint_margin + 1e-6);
  EXPECT_LE(q.tail<3>().cwiseAbs().maxCoeff(), 1.2 - options.joint_margin + 1e-6);
  const double more = 1 + 1e-6;
  if (kind == ActionKind::kJoints) {
    EXPECT_LE(seen.joint_speed, options.max_joint_speed * more);
    EXPECT_LE(seen.joint_acceleration, options.max_joint_acceleration * more);
    EXPECT_LE(seen.joint_jerk, options.max_joint_jerk * more);
    EXPECT_GT(seen.joint_jerk, 0.99 * options.max_joint_jerk);
  } else {
    EXPECT_LE(seen.speed, options.max_speed * more);
    EXPECT_LE(seen.acceleration, options.max_acceleration * more);
    EXPECT_LE(seen.jerk, options.max_jerk * more);
    EXPECT_LE(seen.turn, options.max_turn * more);
    EXPECT_LE(seen.turn_acceleration, options.max_turn_acceleration * more);
    EXPECT_LE(seen.turn_jerk, options.max_turn_jerk * more);
    EXPECT_GT(seen.jerk, 0.99 * options.max_jerk);
    EXPECT_GT(seen.turn_jerk, 0.99 * options.max_turn_jerk);
    EXPECT_GT(stops[static_cast<size_t>(SafetyStop::kPosture)], 100);
  }
  for (const SafetyStop why : {SafetyStop::kNotFinite, SafetyStop::kPlace, SafetyStop::kSlowed}) {
    EXPECT_GT(stops[static_cast<size_t>(why)], 100) << static_cast<int>(why);
  }
}

}  // namespace understudy::guarded
