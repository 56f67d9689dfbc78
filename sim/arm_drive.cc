#include "sim/arm_drive.h"

#include <vector>

#include "sim/arm_chain.h"
#include "sim/osc.h"

namespace understudy {
namespace {

class TorqueDrive final : public ArmDrive {
 public:
  TorqueDrive(const mjModel& model, const ArmIndex& arm, const OscOptions& options)
      : model_(model), arm_(arm), controller_(MakeOscController(model, arm, options)) {}

  void Begin(const mjData& data, const Pose& X_WE_cmd) override {
    X_WE_cmd_ = X_WE_cmd;
    if (arm_.joints.size() >= 6) return;
    const ArmChain chain(model_, data, arm_);
    X_WE_cmd_ = chain.Forward(chain.Nearest(X_WE_cmd, chain.q0()));
  }
  void Drive(const mjData& data, double, mjtNum* ctrl) override {
    controller_->Torques(data, X_WE_cmd_, ctrl);
  }

 private:
  const mjModel& model_;
  const ArmIndex arm_;
  const std::unique_ptr<OscController> controller_;
  Pose X_WE_cmd_;
};

class ServoDrive final : public ArmDrive {
 public:
  ServoDrive(const mjModel& model, const ArmIndex& arm) : model_(model), arm_(arm) {}

  void Begin(const mjData& data, const Pose& X_WE_cmd) override {
    const ArmChain chain(model_, data, arm_);
    to_ = chain.Nearest(X_WE_cmd, chain.q0());
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
  Eigen::VectorXd from_, to_;  // rad
};

}  // namespace

std::unique_ptr<ArmDrive> MakeArmDrive(const mjModel& model, const ArmIndex& arm,
                                       const OscOptions& options) {
  if (arm.is_servo) return std::make_unique<ServoDrive>(model, arm);
  return std::make_unique<TorqueDrive>(model, arm, options);
}

}  // namespace understudy
