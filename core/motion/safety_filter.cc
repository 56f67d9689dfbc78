#include "core/motion/safety_filter.h"

#include <fmt/format.h>

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>

#include "core/base/error.h"

namespace understudy {
namespace {

using Eigen::Vector3d;
using Eigen::VectorXd;

constexpr double kSolveDamping = 0.05;  // m/rad

// The nearest place in the box and in the ball about the base (Dykstra's alternating projections,
// Boyle & Dykstra 1986).
Vector3d Nearest(const Region<3>& region, const Vector3d& p_BE) {
  Vector3d p = p_BE, left_box = Vector3d::Zero(), left_ball = Vector3d::Zero();
  for (int i = 0; i < 200; ++i) {
    const Vector3d before = p, to_box = p + left_box;
    p = to_box.cwiseMax(region.lower).cwiseMin(region.upper);
    left_box = to_box - p;
    const Vector3d to_ball = p + left_ball;
    p = to_ball * std::min(1.0, region.radius / std::max(1e-12, to_ball.norm()));
    left_ball = to_ball - p;
    if (i > 0 && (p - before).norm() < 1e-12) break;
  }
  return p;
}

}  // namespace

GuardedArm GuardedArmOf(const SimulatorInfo& info, size_t arm,
                        std::unique_ptr<Kinematics> kinematics) {
  GuardedArm guarded{.kind = info.action_kind,
                     .X_WB = info.base(arm),
                     .reach = info.workspace_radius,
                     .kinematics = std::move(kinematics),
                     .valid = {}};
  if (Kinematics* known = guarded.kinematics.get()) {
    guarded.valid = [known](const JointVector& q) { return known->Clear(q); };
  }
  return guarded;
}

bool SafeCommand::any() const {
  return std::ranges::any_of(stops, [](bool stop) { return stop; });
}

SafetyFilter::SafetyFilter(const SafetyOptions& options, GuardedArm arm, double dt_s)
    : options_(options),
      arm_(std::move(arm)),
      moving_({options.max_speed, options.max_acceleration, options.max_jerk}, dt_s),
      turning_({options.max_turn, options.max_turn_acceleration, options.max_turn_jerk}, dt_s) {
  workspace_.lower = {options.x[0], options.y[0], options.z[0]};
  workspace_.upper = {options.x[1], options.y[1], options.z[1]};
  workspace_.radius = arm_.reach;
  if (arm_.kind != ActionKind::kJoints) return;
  if (!arm_.kinematics) {
    ThrowBadInput("safety: joints are the command, and the limits of the arm's joints are unknown");
  }
  for (int i = 0; i < arm_.kinematics->joints(); ++i) {
    joints_.emplace_back(MotionLimits{options.max_joint_speed, options.max_joint_acceleration,
                                      options.max_joint_jerk},
                         dt_s);
    Region<1> region;
    region.lower[0] = arm_.kinematics->lower()[i] + options.joint_margin;
    region.upper[0] = arm_.kinematics->upper()[i] - options.joint_margin;
    if (region.lower[0] > region.upper[0]) {
      ThrowBadInput(fmt::format("safety.joint_margin = {} rad: joint {} has a range of {:.3f} rad",
                                options.joint_margin, i,
                                arm_.kinematics->upper()[i] - arm_.kinematics->lower()[i]));
    }
    joint_regions_.push_back(region);
  }
  posture_.resize(static_cast<Eigen::Index>(joints_.size()));
}

void SafetyFilter::Reset(const ArmAction& now, const VectorXd& q) {
  Require(IsFinite(now), "an arm rests somewhere");
  last_ = now;
  if (arm_.kind == ActionKind::kJoints) {
    const auto count = static_cast<Eigen::Index>(joints_.size());
    Require(q.size() == count, "one angle per joint");
    if (last_.q_cmd.size() != count) last_.q_cmd = q;
    for (size_t i = 0; i < joints_.size(); ++i) {
      joints_[i].Reset(last_.q_cmd.segment<1>(static_cast<Eigen::Index>(i)), joint_regions_[i]);
    }
    return;
  }
  moving_.Reset(arm_.X_WB.Inverse() * now.X_WE_cmd.translation(), workspace_);
  turning_.Reset(Vector3d::Zero());
  R_WE_ = now.X_WE_cmd.rotation();
}

void SafetyFilter::SetPace(double share) {
  Require(share > 0 && share <= 1, "a share of the speeds");
  moving_.SetSpeed(share * options_.max_speed);
  turning_.SetSpeed(share * options_.max_turn);
  for (BoundedMotion<1>& joint : joints_) joint.SetSpeed(share * options_.max_joint_speed);
}

bool SafetyFilter::Resting() const {
  if (arm_.kind != ActionKind::kJoints) return moving_.Rests() && turning_.Rests();
  return std::ranges::all_of(joints_, [](const BoundedMotion<1>& joint) { return joint.Rests(); });
}

void SafetyFilter::Turn(const Vector3d& turn) {
  if (!turn.isZero(0)) R_WE_ = (RotationExp(turn) * R_WE_).normalized();
  turning_.Rename(Vector3d::Zero());
}

Eigen::Quaterniond SafetyFilter::TurnedBy(const BoundedMotion<3>::Step& turn) const {
  Eigen::Quaterniond R_WE = R_WE_;
  turning_.FollowToRest(turn, [&](const Vector3d& step) { R_WE = RotationExp(step) * R_WE; });
  return R_WE.normalized();
}

bool SafetyFilter::CanRest(const Vector3d& p_BE, const Eigen::Quaterniond& R_WE,
                           const VectorXd& q) const {
  const Pose X_WE(R_WE, arm_.X_WB * p_BE);
  // some posture takes the hand there
  const std::optional<IkSolution> found = arm_.kinematics->Solve(X_WE, q);
  if (!found || !KeepsMargins(found->q, q)) return false;
  // and so does the one that a controller comes to on the shortest way (damped least squares,
  // Nakamura & Hanafusa 1986), which of an arm with more joints than it needs is another one
  const Pose X_WE_now = arm_.kinematics->Forward(q);
  const ArmJacobian J = arm_.kinematics->Jacobian(q);
  Vector6d motion;
  motion << X_WE.translation() - X_WE_now.translation(),
      RotationLog(X_WE.rotation() * X_WE_now.rotation().conjugate());
  Eigen::Matrix<double, 6, 6> A = J.lazyProduct(J.transpose());
  A.diagonal().array() += kSolveDamping * kSolveDamping;
  const JointVector then = q + J.transpose().lazyProduct(A.llt().solve(motion));
  return KeepsMargins(then, q) && Valid(found->q, q);
}

bool SafetyFilter::KeepsMargins(const JointVector& then, const VectorXd& q) const {
  // where a joint is too near to its end it may stay, and leave
  for (Eigen::Index i = 0; i < then.size(); ++i) {
    const double lower = arm_.kinematics->lower()[i] + options_.joint_margin,
                 upper = arm_.kinematics->upper()[i] - options_.joint_margin;
    if (then[i] < std::min(lower, q[i] - 1e-6) || then[i] > std::max(upper, q[i] + 1e-6)) {
      return false;
    }
  }
  return true;
}

SafeCommand SafetyFilter::Limit(const ArmAction& wanted, const VectorXd& q) {
  if (!IsFinite(wanted)) {
    SafeCommand held{Hold()};
    held.stops[static_cast<size_t>(SafetyStop::kNotFinite)] = true;
    return held;
  }
  SafeCommand command =
      arm_.kind == ActionKind::kJoints ? LimitJoints(wanted, q) : LimitPose(wanted, q);
  command.action.gripper = std::clamp(wanted.gripper, -1.0, 1.0);
  last_ = command.action;
  return command;
}

SafeCommand SafetyFilter::LimitPose(const ArmAction& wanted, const VectorXd& q) {
  SafeCommand command;
  const auto stop = [&](SafetyStop why) { command.stops[static_cast<size_t>(why)] = true; };
  Vector3d target = arm_.X_WB.Inverse() * wanted.X_WE_cmd.translation();
  const bool outside = !workspace_.Holds(target);
  if (outside) {
    stop(SafetyStop::kPlace);
    target = Nearest(workspace_, target);
  }
  const Eigen::Quaterniond& R_wanted = wanted.X_WE_cmd.rotation();
  const bool turns = R_wanted.coeffs() != R_WE_.coeffs();
  const Vector3d turn =
      turns ? RotationLog(R_wanted * R_WE_.conjugate()) : Vector3d(Vector3d::Zero());

  bool may_move = true, may_turn = true;
  const BoundedMotion<3>::Step move = moving_.Towards(target), turning = turning_.Towards(turn);
  if (arm_.kinematics) {
    const Vector3d moved = moving_.Stop(move);
    const Eigen::Quaterniond turned = TurnedBy(turning);
    if (!CanRest(moved, turned, q)) {
      stop(SafetyStop::kPosture);
      may_turn = false;
      may_move = CanRest(moved, TurnedBy(turning_.ToRest()), q);
      if (!may_move) may_turn = CanRest(moving_.Stop(), turned, q);
    }
  }
  const Vector3d p_BE = may_move ? moving_.Take(move) : moving_.Brake();
  const Vector3d by = may_turn ? turning_.Take(turning) : turning_.Brake();
  const bool moved_all = p_BE == target, turned_all = by == turn;
  if ((may_move && !moved_all) || (may_turn && !turned_all)) stop(SafetyStop::kSlowed);
  Turn(by);
  if (turned_all) R_WE_ = R_wanted;
  command.action = wanted;
  if (!(moved_all && turned_all && !outside)) {
    command.action.X_WE_cmd =
        Pose(R_WE_, moved_all && !outside ? wanted.X_WE_cmd.translation() : arm_.X_WB * p_BE);
  }
  return command;
}

SafeCommand SafetyFilter::LimitJoints(const ArmAction& wanted, const VectorXd& q) {
  SafeCommand command;
  const auto stop = [&](SafetyStop why) { command.stops[static_cast<size_t>(why)] = true; };
  const auto count = static_cast<Eigen::Index>(joints_.size());
  Require(wanted.q_cmd.size() == count, "a target for each joint");
  JointVector target = wanted.q_cmd;
  for (Eigen::Index i = 0; i < count; ++i) {
    const auto joint = static_cast<size_t>(i);
    const Region<1>& region = joint_regions_[joint];
    target[i] = std::clamp(target[i], region.lower[0], region.upper[0]);
    if (target[i] != wanted.q_cmd[i]) stop(SafetyStop::kPlace);
    if (!arm_.valid) continue;
    posture_[i] = joints_[joint].Stop(joints_[joint].Towards(target.segment<1>(i)))[0];
  }
  const bool may_move = Valid(posture_, q);
  if (!may_move) stop(SafetyStop::kPosture);
  JointVector q_cmd = target;
  for (Eigen::Index i = 0; i < count; ++i) {
    BoundedMotion<1>& joint = joints_[static_cast<size_t>(i)];
    q_cmd[i] = (may_move ? joint.Next(target.segment<1>(i)) : joint.Brake())[0];
  }
  if (may_move && q_cmd != target) stop(SafetyStop::kSlowed);
  command.action = wanted;
  if (q_cmd != wanted.q_cmd) {
    command.action.q_cmd = q_cmd;
    posture_ = q_cmd;
    command.action.X_WE_cmd = arm_.kinematics->Forward(posture_);
  }
  return command;
}

ArmAction SafetyFilter::Hold() {
  if (arm_.kind == ActionKind::kJoints) {
    for (size_t i = 0; i < joints_.size(); ++i) {
      last_.q_cmd[static_cast<Eigen::Index>(i)] = joints_[i].Brake()[0];
    }
    posture_ = last_.q_cmd;
    last_.X_WE_cmd = arm_.kinematics->Forward(posture_);
    return last_;
  }
  const Vector3d before = moving_.p(), p_BE = moving_.Brake(), turn = turning_.Brake();
  Turn(turn);
  if (p_BE != before || !turn.isZero(0)) last_.X_WE_cmd = Pose(R_WE_, arm_.X_WB * p_BE);
  return last_;
}

std::vector<SafetyFilter> GuardsOf(const Simulator& simulator) {
  const SimulatorInfo& info = simulator.info();
  const Action hold = HoldOf(simulator);
  std::vector<SafetyFilter> guards;
  for (size_t a = 0; a < hold.arms.size(); ++a) {
    guards.emplace_back(info.safety, GuardedArmOf(info, a, simulator.ArmKinematics(a)),
                        1 / info.control_hz);
    guards.back().Reset(hold.arms[a], simulator.Observe().arms[a].joint_q);
  }
  return guards;
}

}  // namespace understudy
