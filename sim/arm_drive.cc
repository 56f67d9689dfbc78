#include "sim/arm_drive.h"

#include <algorithm>
#include <cmath>

#include "sim/arm_chain.h"
#include "sim/arm_mass.h"
#include "sim/osc.h"

namespace understudy {
namespace {

class TorqueDrive final : public ArmDrive {
 public:
  TorqueDrive(const mjModel& model, const ArmIndex& arm, const RobotSpec& robot)
      : model_(model),
        arm_(arm),
        by_joints_(robot.action == ActionKind::kJoints),
        kp_(robot.joint_control.kp),
        kd_(2 * std::sqrt(kp_) * robot.joint_control.damping_ratio),
        mass_(model, arm),
        controller_(MakeOscController(model, arm, robot.osc)) {}

  void Begin(const mjData& data, const ArmAction& target) override {
    target_ = target;
    // the controller takes any pose of six joints or more
    if (target.q_cmd.size() > 0 || (!by_joints_ && arm_.joints.size() >= 6)) return;
    const ArmChain chain(model_, data, arm_);
    const JointVector q = chain.Nearest(target.X_WE_cmd, chain.q0());
    if (by_joints_) {
      target_.q_cmd = q;
    } else {
      target_.X_WE_cmd = chain.Forward(q);
    }
  }
  void Drive(const mjData& data, double, mjtNum* ctrl) override {
    if (target_.q_cmd.size() > 0) {
      DriveJoints(data, ctrl);
    } else {
      controller_->Torques(data, target_.X_WE_cmd, ctrl);
    }
  }

 private:
  void DriveJoints(const mjData& data, mjtNum* ctrl) const {
    const Eigen::Index joints = target_.q_cmd.size();
    Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, 0, kMostJoints, kMostJoints> M(joints,
                                                                                         joints);
    JointVector wanted(joints);  // rad/s^2
    mass_.Read(data, &M);
    for (Eigen::Index i = 0; i < joints; ++i) {
      const auto k = static_cast<size_t>(i);
      wanted[i] =
          kp_ * (target_.q_cmd[i] - data.qpos[arm_.qpos[k]]) - kd_ * data.qvel[arm_.dofs[k]];
    }
    const JointVector torque = M * wanted;
    for (Eigen::Index i = 0; i < joints; ++i) {
      const auto k = static_cast<size_t>(i);
      const mjtNum* range = model_.actuator_ctrlrange + 2 * arm_.actuators[k];
      ctrl[arm_.actuators[k]] =
          std::clamp(torque[i] + data.qfrc_bias[arm_.dofs[k]], range[0], range[1]);
    }
  }

  const mjModel& model_;
  const ArmIndex arm_;
  const bool by_joints_;
  const double kp_, kd_;  // 1/s^2, 1/s
  const ArmMass mass_;
  const std::unique_ptr<OscController> controller_;
  ArmAction target_;
};

class ServoDrive final : public ArmDrive {
 public:
  ServoDrive(const mjModel& model, const ArmIndex& arm) : model_(model), arm_(arm) {}

  void Begin(const mjData& data, const ArmAction& target) override {
    to_ = target.q_cmd;
    if (to_.size() == 0) {
      const ArmChain chain(model_, data, arm_);
      to_ = chain.Nearest(target.X_WE_cmd, chain.q0());
    }
    from_.resize(to_.size());
    for (Eigen::Index i = 0; i < from_.size(); ++i) {
      from_[i] = data.ctrl[arm_.actuators[static_cast<size_t>(i)]];
    }
  }
  void Drive(const mjData&, double share, mjtNum* ctrl) override {
    for (Eigen::Index i = 0; i < to_.size(); ++i) {
      ctrl[arm_.actuators[static_cast<size_t>(i)]] = from_[i] + share * (to_[i] - from_[i]);
    }
  }

 private:
  const mjModel& model_;
  const ArmIndex arm_;
  JointVector from_, to_;  // rad
};

}  // namespace

std::unique_ptr<ArmDrive> MakeArmDrive(const mjModel& model, const ArmIndex& arm,
                                       const RobotSpec& robot) {
  if (arm.is_servo) return std::make_unique<ServoDrive>(model, arm);
  return std::make_unique<TorqueDrive>(model, arm, robot);
}

}  // namespace understudy
