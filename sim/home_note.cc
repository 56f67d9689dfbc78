#include "sim/home_note.h"

#include <fmt/format.h>

#include <cmath>

#include "sim/kinematics.h"

namespace understudy {
namespace {

constexpr double kNear = 0.1;    // m: a longer gripper of its own begins lower
constexpr double kTurned = 0.3;  // rad

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

}  // namespace understudy
