#include "serve/robots/feetech_arm.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <numbers>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/json.h"
#include "serve/robots/feetech_bus.h"
#include "serve/robots/robot_exchange.h"

namespace understudy {
namespace {

// Registers of STS3215.
constexpr int kHomingOffset = 31, kOperatingMode = 33, kTorqueEnable = 40, kAcceleration = 41,
              kGoalPosition = 42, kPresentPosition = 56;
constexpr int kOffsetSign = 11, kPositionSign = 15;
constexpr int kFastest = 254;           // of kAcceleration
constexpr int kOutside = 40;            // ticks beyond a range that are backlash
constexpr double kTicksPerTurn = 4095;  // LeRobot's: resolution less 1
constexpr double kRadPerDeg = std::numbers::pi / 180;

// What lerobot-calibrate knows of a motor.
struct Motor {
  std::string name;
  int id = 0, drive_mode = 0, homing_offset = 0, range_min = 0, range_max = 0;
  template <class V>
  void Visit(V& v) {
    v("id", id, "on the line", Limits{0, 252});
    v("drive_mode", drive_mode, "1: turned round", Limits{0, 1});
    v("homing_offset", homing_offset, "ticks", Limits{-2047, 2047});
    v("range_min", range_min, "ticks", Limits{-32767, 32767});
    v("range_max", range_max, "ticks", Limits{-32767, 32767});
  }
  double middle() const { return 0.5 * (range_min + range_max); }
  // Degrees from the middle of the range, and % of it, as LeRobot counts them.
  double Degrees(int ticks) const { return (ticks - middle()) * 360 / kTicksPerTurn; }
  double Percent(int ticks) const {
    const double share = 100.0 * (ticks - range_min) / (range_max - range_min);
    return drive_mode == 1 ? 100 - share : share;
  }
  int TicksOfDegrees(double degrees) const {
    return Clamp(middle() + degrees * kTicksPerTurn / 360);
  }
  int TicksOfPercent(double percent) const {
    const double share = drive_mode == 1 ? 100 - percent : percent;
    return Clamp(range_min + share / 100 * (range_max - range_min));
  }
  int Clamp(double ticks) const {
    return static_cast<int>(std::lround(std::clamp(ticks, double(range_min), double(range_max))));
  }
};

// The motors of `names`, in that order.
std::vector<Motor> ReadMotors(const std::string& calibration,
                              const std::vector<std::string>& names) {
  const Json json = LoadJson(calibration);
  std::vector<Motor> motors;
  std::vector<std::string> known;
  for (const auto& [name, fields] : json.items()) known.push_back(name);
  for (const std::string& name : names) {
    if (!json.contains(name)) {
      ThrowBadInput(calibration + ": " + UnknownName("motor", name, known));
    }
    Motor motor = FromJson<Motor>(json[name], calibration + ": " + name);
    motor.name = name;
    if (motor.range_min >= motor.range_max) {
      ThrowBadInput(fmt::format("{}: {}: range_min = {} is not below range_max = {}", calibration,
                                name, motor.range_min, motor.range_max));
    }
    motors.push_back(std::move(motor));
  }
  return motors;
}

class FeetechArm : public Robot {
 public:
  FeetechArm(const FeetechArmOptions& options, const std::string& file,
             std::unique_ptr<Simulator> twin)
      : options_(options),
        twin_(std::move(twin)),
        info_(InfoOf(*twin_, options)),
        kinematics_(twin_->ArmKinematics(0)),
        kinematics_read_(twin_->ArmKinematics(0)),
        joints_(info_.joint_names.front().size()),
        motors_(ReadMotors(Calibration(file), Names(file))),
        bus_(options.port, options.baud),
        exchange_(
            [this](const Action* command, RobotReading* reading) { Exchange(command, reading); },
            1 / info_.control_hz) {
    for (const Motor& motor : motors_) ids_.push_back(motor.id);
    for (const Motor& motor : motors_) {
      Surely([&] { Check(motor); });
    }
  }

  ~FeetechArm() override {
    exchange_.Pause();
    if (!options_.release) return;
    for (const Motor& motor : motors_) {
      try {
        bus_.Write(motor.id, kTorqueEnable, 1, 0);
      } catch (const Error&) {
        // one that is lost cannot be switched off
      }
    }
  }

  const SimulatorInfo& info() const override { return info_; }
  std::unique_ptr<Kinematics> ArmKinematics(size_t arm) const override {
    return twin_->ArmKinematics(arm);
  }

  Action Begin(const RngKey&, bool shadow, RobotReading* reading) override {
    exchange_.Pause();
    Surely([&] { Take(reading); });
    for (size_t i = 0; i < joints_ && !shadow; ++i) RequireInside(motors_[i], ticks_[i]);
    for (size_t i = 0; i < motors_.size() && !shadow; ++i) {
      Surely([&] { SwitchOn(motors_[i], ticks_[i]); });
    }
    q_now_ = reading->observation.arms[0].joint_q;
    ArmAction hold;
    hold.q_cmd = q_now_;
    hold.X_WE_cmd = reading->observation.arms[0].X_WE;
    hold.gripper = CommandOf(motors_.back().Percent(ticks_.back()));
    exchange_.Start(*reading);
    return {{hold}};
  }

  bool Read(RobotReading* reading) override {
    if (!exchange_.Read(reading)) return false;
    q_now_ = reading->observation.arms[0].joint_q;
    return true;
  }

  ArmAction Resolve(size_t, const ArmAction& action) const override {
    return ResolveJoints(action, kinematics_.get(), q_now_);
  }

  void Send(const Action& action) override { exchange_.Send(action); }
  std::string problem() const override { return exchange_.problem(); }

 private:
  static SimulatorInfo InfoOf(const Simulator& twin, const FeetechArmOptions& options) {
    SimulatorInfo info = twin.info();
    if (info.arms.size() != 1 || info.action_kind != ActionKind::kJoints) {
      ThrowBadInput(fmt::format(
          "robot '{}': an arm of Feetech servos is one arm whose command is joints (`action: "
          "joints` in its robot.yaml)",
          info.robot));
    }
    info.objects.clear();
    info.signals.clear();
    info.state_size = info.flat_state_size = 0;
    info.cameras.clear();
    for (const auto& [name, camera] : options.cameras) info.cameras.push_back(name);
    return info;
  }

  // Beside the file of the arm.
  std::string Calibration(const std::string& file) const {
    return (std::filesystem::path(file).parent_path() / options_.calibration).string();
  }

  // Motors of the joints and, last, of the fingers.
  std::vector<std::string> Names(const std::string& file) const {
    std::vector<std::string> names = options_.motors;
    // a joint of a scene carries the prefix of its arm
    for (const std::string& joint : info_.joint_names.front()) {
      if (!options_.motors.empty()) break;
      const std::string prefix = info_.arms.front() + "_";
      names.push_back(joint.starts_with(prefix) ? joint.substr(prefix.size()) : joint);
    }
    const auto of_each = [&](const char* what, size_t count, bool may_be_empty) {
      if (count == joints_ || (may_be_empty && count == 0)) return;
      ThrowBadInput(
          fmt::format("{}: {} has {} entries, the robot {} joints", file, what, count, joints_));
    };
    of_each("motors", names.size(), false);
    of_each("signs", options_.signs.size(), true);
    of_each("zero_deg", options_.zero_deg.size(), true);
    for (const int sign : options_.signs) {
      if (sign != 1 && sign != -1) ThrowBadInput(file + ": signs are 1 or -1");
    }
    if (options_.gripper_open == options_.gripper_closed) {
      ThrowBadInput(file + ": gripper_open and gripper_closed are the same place");
    }
    names.push_back(options_.gripper);
    return names;
  }

  // A packet may be lost now and then.
  static void Surely(const std::function<void()>& exchange) {
    for (int tries = 3;; --tries) {
      try {
        return exchange();
      } catch (const Error& error) {
        if (tries == 1 || error.kind() != ErrorKind::kFailed) throw;
      }
    }
  }

  // From outside of its range it would be pulled back at full speed.
  static void RequireInside(const Motor& motor, int ticks) {
    if (ticks >= motor.range_min - kOutside && ticks <= motor.range_max + kOutside) return;
    ThrowFailed(fmt::format(
        "{}: stands at {} ticks, outside of its calibrated range of {} to {}: move it inside by "
        "hand",
        motor.name, ticks, motor.range_min, motor.range_max));
  }

  // A motor that was calibrated anew, or is set up for something else, would go elsewhere.
  void Check(const Motor& motor) {
    const int offset = FromSignMagnitude(bus_.Read(motor.id, kHomingOffset, 2), kOffsetSign);
    if (offset != motor.homing_offset) {
      ThrowBadInput(fmt::format(
          "{}: {}: the servo's homing offset is {}, the calibration says {}: it is another arm's, "
          "or was made before the arm was calibrated again",
          options_.calibration, motor.name, offset, motor.homing_offset));
    }
    if (const int mode = bus_.Read(motor.id, kOperatingMode, 1); mode != 0) {
      ThrowBadInput(fmt::format("{}: servo {} is in mode {}, not in that of positions (0)",
                                motor.name, motor.id, mode));
    }
  }

  // Where it is: it must not jump.
  void SwitchOn(const Motor& motor, int ticks) {
    bus_.Write(motor.id, kGoalPosition, 2, ToSignMagnitude(ticks, kPositionSign));
    bus_.Write(motor.id, kAcceleration, 1, kFastest);
    bus_.Write(motor.id, kTorqueEnable, 1, 1);
  }

  double SignOf(size_t joint) const { return options_.signs.empty() ? 1 : options_.signs[joint]; }
  double ZeroOf(size_t joint) const {
    return options_.zero_deg.empty() ? 0 : options_.zero_deg[joint];
  }
  // -1 open, 1 closed.
  double CommandOf(double percent) const {
    const double closed =
        (percent - options_.gripper_open) / (options_.gripper_closed - options_.gripper_open);
    return std::clamp(2 * closed - 1, -1.0, 1.0);
  }
  double PercentOf(double command) const {
    const double closed = (command + 1) / 2;
    return options_.gripper_open + closed * (options_.gripper_closed - options_.gripper_open);
  }

  // On the thread of exchange_, or while it is paused.
  void Exchange(const Action* command, RobotReading* reading) {
    if (command) Give(command->arms[0]);
    Take(reading);
  }

  void Give(const ArmAction& arm) {
    goals_.resize(motors_.size());
    for (size_t i = 0; i < joints_; ++i) {
      const double degrees =
          ZeroOf(i) + SignOf(i) * arm.q_cmd[static_cast<Eigen::Index>(i)] / kRadPerDeg;
      goals_[i] = ToSignMagnitude(motors_[i].TicksOfDegrees(degrees), kPositionSign);
    }
    goals_.back() =
        ToSignMagnitude(motors_.back().TicksOfPercent(PercentOf(arm.gripper)), kPositionSign);
    bus_.WriteAll(ids_, kGoalPosition, 2, goals_);
  }

  void Take(RobotReading* reading) {
    const int64_t begin_ns = MonotonicNs();
    bus_.ReadAll(ids_, kPresentPosition, 2, &ticks_);
    for (int& ticks : ticks_) ticks = FromSignMagnitude(ticks, kPositionSign);
    reading->observation.arms.resize(1);
    ArmObservation& arm = reading->observation.arms[0];
    const auto count = static_cast<Eigen::Index>(joints_);
    arm.joint_q.resize(count);
    for (Eigen::Index i = 0; i < count; ++i) {
      const auto joint = static_cast<size_t>(i);
      const double degrees = motors_[joint].Degrees(ticks_[joint]);
      arm.joint_q[i] = SignOf(joint) * (degrees - ZeroOf(joint)) * kRadPerDeg;
    }
    const double share = motors_.back().Percent(ticks_.back()) / 100;
    arm.gripper_q.resize(1);
    arm.gripper_q[0] =
        options_.gripper_rad[0] + share * (options_.gripper_rad[1] - options_.gripper_rad[0]);
    // speeds are differences of positions
    const double dt = 1e-9 * static_cast<double>(begin_ns - last_ns_);
    const bool known = last_q_.size() == count + 1 && dt > 0 && dt < 1;
    Eigen::VectorXd now(count + 1);
    now << arm.joint_q, arm.gripper_q;
    const Eigen::VectorXd speed =
        known ? Eigen::VectorXd((now - last_q_) / dt) : Eigen::VectorXd::Zero(count + 1);
    arm.joint_v = speed.head(count);
    arm.gripper_v = speed.tail(1);
    last_q_ = now;
    last_ns_ = begin_ns;
    arm.X_WE = kinematics_read_->Forward(arm.joint_q);
    reading->captured_ns = begin_ns;
  }

  const FeetechArmOptions options_;
  std::unique_ptr<Simulator> twin_;
  SimulatorInfo info_;
  std::unique_ptr<Kinematics> kinematics_, kinematics_read_;  // of the caller, of exchange_
  const size_t joints_;
  std::vector<Motor> motors_;
  Eigen::VectorXd q_now_;
  FeetechBus bus_;
  std::vector<int> ids_, ticks_, goals_;
  Eigen::VectorXd last_q_;
  int64_t last_ns_ = 0;
  RobotExchange exchange_;
};

}  // namespace

std::unique_ptr<Robot> OpenFeetechArm(const FeetechArmOptions& options, const std::string& file,
                                      std::unique_ptr<Simulator> twin) {
  return std::make_unique<FeetechArm>(options, file, std::move(twin));
}

}  // namespace understudy
