#include "sim/home_note.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "core/base/error.h"
#include "sim/arm_drive.h"
#include "sim/kinematics.h"
#include "sim/model_index.h"
#include "sim/mujoco_guard.h"
#include "sim/osc.h"

namespace understudy {
namespace {

constexpr double kNear = 0.1;    // m: a longer gripper of its own begins lower
constexpr double kTurned = 0.3;  // rad

constexpr double kHeldFor = 1;    // s
constexpr double kSinks = 0.01;   // m: segments begin and grasps are made within about as much
constexpr double kSwings = 0.05;  // rad/s
constexpr double kLost = 0.1;     // m: nothing can be done with an arm that falls so far

constexpr const char* kUnknownToMotors =
    "the controller of motors knows weight and inertia, no springs, `gravcomp` or further "
    "actuators "
    "of a joint";

// Which motor of the arm, at rest where it stands, gives less than the weight on it needs; empty:
// none.
std::string WeakMotor(const mjModel& model, const mjData& data, const ArmIndex& arm,
                      const RobotSpec& robot) {
  std::string weak;
  double most_missing = 0;
  for (size_t i = 0; i < arm.joints.size(); ++i) {
    const int dof = arm.dofs[i], actuator = arm.actuators[i], joint = arm.joints[i];
    const mjtNum needed = data.qfrc_bias[dof] - data.qfrc_passive[dof];
    const auto limit = [&](const mjtNum* range) {
      return std::max(0.0, needed > 0 ? range[1] : -range[0]);
    };
    double gives = limit(model.actuator_ctrlrange + 2 * actuator);
    if (model.actuator_forcelimited[actuator]) {
      gives = std::min(gives, limit(model.actuator_forcerange + 2 * actuator));
    }
    if (model.jnt_actfrclimited[joint]) {
      gives = std::min(gives, limit(model.jnt_actfrcrange + 2 * joint));
    }
    const double missing = std::abs(needed) - model.dof_frictionloss[dof] - gives;
    if (missing <= most_missing) continue;
    most_missing = missing;
    weak = fmt::format(
        "{} needs {:.3g} Nm there, and its motor gives {:.3g} (`ctrlrange`, `forcerange` in "
        "model.xml)",
        robot.joints[i], std::abs(needed), gives);
  }
  return weak;
}

// E where the hand begins, fingers down, in B.
Pose HomeOfHand(double ahead, double above) {
  return {Eigen::AngleAxisd(M_PI / 2, Eigen::Vector3d::UnitZ()) * Eigen::Quaterniond(0, 1, 0, 0),
          Eigen::Vector3d(ahead, 0, above)};
}

// What to say of an arm that stands nearer than others, or turns its hand as near as it goes.
std::optional<std::string> NoteOnHomeOfSmall(const RobotSpec& robot, const Pose& X_WB,
                                             const Eigen::VectorXd& home, Kinematics& kinematics) {
  const auto off = [&](const Eigen::VectorXd& q) {
    const Eigen::Vector3d z_W = kinematics.Forward(q).rotation() * Eigen::Vector3d::UnitZ();
    return std::acos(std::clamp(-z_W.z(), -1.0, 1.0));
  };
  if (off(home) < robot.tilt) return {};
  std::string note = fmt::format("at home the fingers point {:.0f} degrees away from down",
                                 off(home) * 180 / M_PI);
  constexpr double kMiddle = 0.55;  // of the reach: where small arms turn their hand down
  const Pose X_WE = X_WB * HomeOfHand(kMiddle * robot.reach, 0);
  const Eigen::VectorXd middle = (kinematics.lower() + kinematics.upper()) / 2;
  for (const Eigen::VectorXd& start : {home, middle}) {
    const Eigen::VectorXd q = kinematics.Nearest(X_WE, start);
    const double left = (kinematics.Forward(q).translation() - X_WE.translation()).norm();
    if (left > kSinks || off(q) > robot.tilt) continue;
    return note + fmt::format(", {:.2f} m before the base they point down with `home: [{:.4f}]`",
                              kMiddle * robot.reach, fmt::join(q, ", "));
  }
  return note;
}

}  // namespace

std::optional<std::string> NoteOnHome(const std::shared_ptr<const Scene>& scene) {
  const RobotSpec& robot = scene->robot();
  if (!SplitRobot(robot.name).second.empty()) return {};  // not its own gripper
  const bool stands_with_others = robot.X_PB.translation().norm() == 0;
  const Pose X_BE_all = HomeOfHand(0.46, 0.1);
  const double away = X_BE_all.translation().norm();
  if (stands_with_others && robot.reach < away) {
    return fmt::format(
        "the arm reaches {:g} m, and hands begin {:.2f} m from where its base stands: say with "
        "`stand` in robot.yaml how much nearer to them it stands",
        robot.reach, away);
  }
  const Pose X_WB = scene->info().base(0);
  const auto kinematics = MakeKinematics(scene);
  const Eigen::VectorXd home =
      Eigen::Map<const Eigen::VectorXd>(robot.home.data(), std::ssize(robot.home));
  if (!stands_with_others || robot.joints.size() < 6) {
    return NoteOnHomeOfSmall(robot, X_WB, home, *kinematics);
  }
  const Pose X_BE = X_WB.Inverse() * kinematics->Forward(home);
  const Eigen::Vector3d p = X_BE.translation();
  const double turned = AngleBetween(X_BE.rotation(), X_BE_all.rotation());
  if ((p - X_BE_all.translation()).norm() < kNear && turned < kTurned) return {};
  std::string note = fmt::format(
      "at home the hand is at [{:.2f}, {:.2f}, {:.2f}] m from the base and turned by {:.0f} "
      "degrees from where the hand of every arm begins, [0.46, 0, 0.1] with the fingers down",
      p.x(), p.y(), p.z(), turned * 180 / M_PI);
  const auto better = kinematics->Solve(X_WB * X_BE_all, home);
  if (better) {
    note += fmt::format("; there it is with `home: [{:.4f}]`", fmt::join(better->q, ", "));
  }
  return note;
}

std::optional<std::string> NoteOnHold(const Scene& scene) {
  const RobotSpec& robot = scene.robot();
  // objects do not stand where an episode begins
  const std::unique_ptr<mjModel, MujocoDeleter> copy(mj_copyModel(nullptr, scene.model()));
  if (copy == nullptr) ThrowFailed("MuJoCo: no memory for a copy of the scene");
  copy->opt.disableflags |= mjDSBL_CONTACT;
  const mjModel& model = *copy;
  Problems none;
  const ModelIndex index = IndexModel(model, scene.task(), robot, &none);
  const std::unique_ptr<mjData, MujocoDeleter> data(mj_makeData(&model));
  if (data == nullptr) ThrowFailed("MuJoCo: no memory for the simulation's data");
  for (const ArmIndex& arm : index.arms) {
    for (const auto& [address, q] : arm.gripper.open_qpos) data->qpos[address] = q;
    for (const FingerActuator& finger : arm.gripper.actuators) data->ctrl[finger.id] = finger.open;
    for (size_t i = 0; i < arm.joints.size(); ++i) {
      data->qpos[arm.qpos[i]] = arm.home[i];
      if (arm.is_servo) data->ctrl[arm.actuators[i]] = arm.home[i];
    }
  }
  mj_forward(&model, data.get());
  const ArmIndex& arm = index.arms[0];
  const Pose X_WE = ControlPose(model, *data, arm);
  const std::string weak = arm.is_servo ? "" : WeakMotor(model, *data, arm, robot);

  std::vector<std::unique_ptr<ArmDrive>> drives;
  for (const ArmIndex& each : index.arms) {
    drives.push_back(MakeArmDrive(model, each, robot));
    ArmAction stay{ControlPose(model, *data, each), -1};
    if (each.is_servo || robot.action == ActionKind::kJoints) {
      stay.q_cmd = Eigen::Map<const Eigen::VectorXd>(each.home.data(), std::ssize(each.home));
    }
    drives.back()->Begin(*data, stay);
  }
  const auto fails = [&] {
    return data->warning[mjWARN_BADQPOS].number + data->warning[mjWARN_BADQVEL].number +
               data->warning[mjWARN_BADQACC].number >
           0;
  };
  mj_step1(&model, data.get());
  while (data->time < kHeldFor && !fails()) {
    for (const auto& drive : drives) drive->Drive(*data, 1, data->ctrl);
    mj_step2(&model, data.get());
    mj_step1(&model, data.get());
  }

  const double off = (ControlPose(model, *data, arm).translation() - X_WE.translation()).norm();
  size_t fastest = 0;
  const auto speed = [&](size_t i) { return std::abs(data->qvel[arm.dofs[i]]); };
  for (size_t i = 1; i < arm.dofs.size(); ++i) {
    if (speed(i) > speed(fastest)) fastest = i;
  }
  const bool swings = speed(fastest) > kSwings, sinks = !(off < kSinks), is_lost = !(off < kLost);
  if (!fails() && !swings && !sinks) return {};

  std::string what = "commanded to stay at home, ";
  if (!weak.empty()) {
    what += "the arm falls: " + weak;
  } else if (fails()) {
    what += fmt::format(
        "the {} shake the physics apart within {:.2g} s: lower {} in robot.yaml, or give the "
        "joints `armature`",
        arm.is_servo ? "servos" : "motors", data->time,
        arm.is_servo ? "`servo.kd` or `servo.kp`" : "`osc.kp` or `joint_control.kp`");
  } else if (swings && !(arm.is_servo && is_lost)) {
    what += fmt::format("the arm does not come to rest in {:g} s ({} turns at {:.2g} rad/s): {}",
                        kHeldFor, robot.joints[fastest], speed(fastest),
                        arm.is_servo ? "with too small a `servo.kd` in robot.yaml it swings, with "
                                       "too large a one it shakes"
                                     : kUnknownToMotors);
  } else if (arm.is_servo) {
    what += fmt::format(
        "the hand sinks by {:.0f} mm: raise `servo.kp` in robot.yaml, or the `forcerange` of the "
        "servos",
        1000 * off);
  } else {
    what += fmt::format("the hand moves by {:.0f} mm: {}", 1000 * off, kUnknownToMotors);
  }
  if (fails() || is_lost) {
    ThrowBadInput(fmt::format("robot '{}' ({}): {}", robot.name,
                              (robot.folder / robot.model).string(), what));
  }
  return what;
}

}  // namespace understudy
