#include "serve/ros2/joint_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/base/error.h"

namespace understudy {
namespace {

constexpr double kSlack = 0.05;  // rad beyond a range

}  // namespace

JointMap::JointMap(const Ros2Arm& options, const std::string& file, const SimulatorInfo& info,
                   size_t arm)
    : options_(options),
      place_(fmt::format("{}: arms.{}", file, info.arms.at(arm))),
      joints_(info.joint_names.at(arm).size()),
      fingers_(info.finger_joints(arm)),
      names_(options.joints) {
  // a joint of a scene carries the prefix of its arm
  for (const std::string& joint : info.joint_names[arm]) {
    if (!options_.joints.empty()) break;
    const std::string prefix = info.arms[arm] + "_";
    names_.push_back(joint.starts_with(prefix) ? joint.substr(prefix.size()) : joint);
  }
  const auto of_each = [&](const char* what, size_t count, size_t wanted, const char* of) {
    if (count == wanted) return;
    ThrowBadInput(
        fmt::format("{}: {} has {} entries, the robot {} {}", place_, what, count, wanted, of));
  };
  of_each("joints", names_.size(), joints_, "joints");
  if (!options_.signs.empty()) of_each("signs", options_.signs.size(), joints_, "joints");
  if (!options_.zero_rad.empty()) of_each("zero_rad", options_.zero_rad.size(), joints_, "joints");
  for (const int sign : options_.signs) {
    if (sign != 1 && sign != -1) ThrowBadInput(place_ + ": signs are 1 or -1");
  }
  const Ros2Gripper& gripper = options_.gripper;
  if (fingers_ == 0 && has_gripper()) {
    ThrowBadInput(place_ + ": gripper: the robot has no fingers");
  }
  if (fingers_ > 0) {
    if (gripper.joints.size() != 1) {
      of_each("gripper.joints", gripper.joints.size(), fingers_, "fingers");
    }
    if (!gripper.scale.empty()) of_each("gripper.scale", gripper.scale.size(), fingers_, "fingers");
    if (!gripper.offset.empty()) {
      of_each("gripper.offset", gripper.offset.size(), fingers_, "fingers");
    }
    if (gripper.open == gripper.closed) {
      ThrowBadInput(place_ + ": gripper: open and closed are the same position");
    }
  }
  names_.insert(names_.end(), gripper.joints.begin(), gripper.joints.end());
  std::set<std::string> seen;
  for (const std::string& name : names_) {
    if (!seen.insert(name).second) ThrowBadInput(place_ + ": names '" + name + "' twice");
  }
}

std::vector<std::string> JointMap::commanded() const {
  const size_t count = joints_ + (has_gripper() && !own_gripper() ? 1 : 0);
  return {names_.begin(), names_.begin() + static_cast<std::ptrdiff_t>(count)};
}

void JointMap::Read(const JointBoard& board, size_t first, ArmObservation* arm) const {
  const auto count = static_cast<Eigen::Index>(joints_);
  arm->joint_q.resize(count);
  arm->joint_v.resize(count);
  for (Eigen::Index i = 0; i < count; ++i) {
    const auto joint = static_cast<size_t>(i);
    arm->joint_q[i] = SignOf(joint) * (board.position(first + joint) - ZeroOf(joint));
    arm->joint_v[i] = SignOf(joint) * board.velocity(first + joint);
  }
  const Ros2Gripper& gripper = options_.gripper;
  const auto fingers = static_cast<Eigen::Index>(fingers_);
  arm->gripper_q.resize(fingers);
  arm->gripper_v.resize(fingers);
  for (Eigen::Index i = 0; i < fingers; ++i) {
    const auto finger = static_cast<size_t>(i);
    const size_t theirs = first + joints_ + (gripper.joints.size() == 1 ? 0 : finger);
    const double scale = gripper.scale.empty() ? 1 : gripper.scale[finger];
    const double offset = gripper.offset.empty() ? 0 : gripper.offset[finger];
    arm->gripper_q[i] = scale * board.position(theirs) + offset;
    arm->gripper_v[i] = scale * board.velocity(theirs);
  }
}

double JointMap::GripperOf(const JointBoard& board, size_t first) const {
  if (!has_gripper()) return -1;
  const Ros2Gripper& gripper = options_.gripper;
  const double closed =
      (board.position(first + joints_) - gripper.open) / (gripper.closed - gripper.open);
  return std::clamp(2 * closed - 1, -1.0, 1.0);
}

double JointMap::GripperPosition(double command) const {
  const double closed = (std::clamp(command, -1.0, 1.0) + 1) / 2;
  return options_.gripper.open + closed * (options_.gripper.closed - options_.gripper.open);
}

void JointMap::Write(const ArmAction& action, std::vector<double>* positions) const {
  positions->clear();
  for (size_t i = 0; i < joints_; ++i) {
    positions->push_back(ZeroOf(i) + SignOf(i) * action.q_cmd[static_cast<Eigen::Index>(i)]);
  }
  if (has_gripper() && !own_gripper()) positions->push_back(GripperPosition(action.gripper));
}

void JointMap::RequireInRange(const Eigen::VectorXd& q, const Kinematics& kinematics) const {
  for (Eigen::Index i = 0; i < q.size(); ++i) {
    const double low = kinematics.lower()[i], high = kinematics.upper()[i];
    if (q[i] >= low - kSlack && q[i] <= high + kSlack) continue;
    ThrowFailed(fmt::format(
        "{}: '{}' stands at {:.3f} rad of the robot, outside of its range of {:.3f} to {:.3f}: "
        "joints, signs or zero_rad are not those of this robot, or move it inside",
        place_, names_[static_cast<size_t>(i)], q[i], low, high));
  }
}

std::vector<std::string> JointMap::topics() const {
  std::vector<std::string> topics{options_.command.topic};
  if (own_gripper()) topics.push_back(options_.gripper.command.topic);
  return topics;
}

void RequireOwnJoints(const std::vector<const JointMap*>& arms) {
  std::map<std::string, const JointMap*> joints, topics;
  for (const JointMap* arm : arms) {
    for (const std::string& name : arm->joints()) {
      const auto [found, first] = joints.emplace(name, arm);
      if (first) continue;
      ThrowBadInput(
          fmt::format("{}: joint '{}' is also that of {}; `joints` says which are its own",
                      arm->place(), name, found->second->place()));
    }
    for (const std::string& topic : arm->topics()) {
      const auto [found, first] = topics.emplace(topic, arm);
      if (first) continue;
      ThrowBadInput(fmt::format(
          "{}: {} has a command of {} already: each command needs a controller of its own, and a "
          "gripper without one is commanded with its arm",
          arm->place(), topic, found->second->place()));
    }
  }
}

}  // namespace understudy
