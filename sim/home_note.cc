#include "sim/home_note.h"

#include <fmt/format.h>

#include <cmath>
#include <memory>

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

}  // namespace

std::optional<std::string> NoteOnHome(const std::shared_ptr<const Scene>& scene) {
  const RobotSpec& robot = scene->robot();
  const bool own_gripper = SplitRobot(robot.name).second.empty();
  const bool stands_with_others = robot.X_PB.translation().norm() == 0;
  if (!own_gripper || !stands_with_others || robot.joints.size() < 6) return {};
  const Pose X_BE_all(
      Eigen::AngleAxisd(M_PI / 2, Eigen::Vector3d::UnitZ()) * Eigen::Quaterniond(0, 1, 0, 0),
      Eigen::Vector3d(0.46, 0, 0.1));
  const Pose X_WB = scene->info().base(0);
  const auto kinematics = MakeKinematics(scene);
  const Eigen::VectorXd home =
      Eigen::Map<const Eigen::VectorXd>(robot.home.data(), std::ssize(robot.home));
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

std::optional<std::string> NoteOnServos(const Scene& scene) {
  const mjModel& model = *scene.model();
  Problems none;
  const ModelIndex index = IndexModel(model, scene.task(), scene.robot(), &none);
  if (!index.arms[0].is_servo) return {};
  const std::unique_ptr<mjData, MujocoDeleter> data(mj_makeData(&model));
  for (const ArmIndex& arm : index.arms) {
    for (const auto& [address, q] : arm.gripper.open_qpos) data->qpos[address] = q;
    for (const FingerActuator& finger : arm.gripper.actuators) data->ctrl[finger.id] = finger.open;
    for (size_t i = 0; i < arm.joints.size(); ++i) {
      data->ctrl[arm.actuators[i]] = data->qpos[arm.qpos[i]] = arm.home[i];
    }
  }
  mj_forward(&model, data.get());
  const ArmIndex& arm = index.arms[0];
  const Pose X_WE = ControlPose(model, *data, arm);
  const auto fails = [&] {
    return data->warning[mjWARN_BADQPOS].number + data->warning[mjWARN_BADQVEL].number +
               data->warning[mjWARN_BADQACC].number >
           0;
  };
  while (data->time < kHeldFor && !fails()) mj_step(&model, data.get());
  const std::string told = "told to stay at home, ";
  if (fails()) {
    return told + fmt::format(
                      "the servos shake the physics apart within {:.2g} s: lower `servo.kd` or "
                      "`servo.kp` in robot.yaml, or give the joints `armature`",
                      data->time);
  }
  size_t fastest = 0;
  const auto speed = [&](size_t i) { return std::abs(data->qvel[arm.dofs[i]]); };
  for (size_t i = 1; i < arm.dofs.size(); ++i) {
    if (speed(i) > speed(fastest)) fastest = i;
  }
  if (speed(fastest) > kSwings) {
    return told + fmt::format(
                      "the arm does not come to rest in {:g} s ({} turns at {:.2g} rad/s): with "
                      "too small a `servo.kd` in robot.yaml it swings, with too large a one it "
                      "shakes",
                      kHeldFor, scene.robot().joints[fastest], speed(fastest));
  }
  mj_kinematics(&model, data.get());
  const double off = (ControlPose(model, *data, arm).translation() - X_WE.translation()).norm();
  if (off < kSinks) return {};
  return told + fmt::format(
                    "the hand sinks by {:.0f} mm: raise `servo.kp` in robot.yaml, or the "
                    "`forcerange` of the servos",
                    1000 * off);
}

}  // namespace understudy
