#include "data/formats/lerobot/lerobot_joints.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>

#include "core/base/error.h"

namespace understudy {
namespace {

// How LeRobot ends the names of motors that it calibrates itself: their numbers are degrees, or
// shares of the calibrated range.
constexpr const char* kMotorEnd = ".pos";

// One arm of a robot in a list of names: the place of each of its joints, base to tip, and of its
// gripper.
struct NamedJoints {
  std::string arm;  // what stands before its joints' names; may be empty
  std::vector<size_t> joints;
  std::optional<size_t> gripper;
};

// What stands before `word` in a name, "left_" of "left_joint1" or "left_joint1.pos"; unset where
// the name ends otherwise.
std::optional<std::string> Before(std::string name, const std::string& word) {
  if (name.ends_with(kMotorEnd)) name.resize(name.size() - std::string(kMotorEnd).size());
  if (!name.ends_with(word)) return std::nullopt;
  name.resize(name.size() - word.size());
  const bool apart = name.empty() || !std::isalnum(static_cast<unsigned char>(name.back()));
  return apart ? std::optional(name) : std::nullopt;
}

// The arms whose joints are all among `names`, in the order in which they come: "joint1",
// "left_joint1", "left/joint1.pos". A gripper's name ends in `gripper`.
std::vector<NamedJoints> FindJoints(const std::vector<std::string>& names,
                                    const std::vector<std::string>& joints) {
  std::vector<NamedJoints> arms;
  const auto find = [&](const std::string& arm, const std::string& word) -> std::optional<size_t> {
    for (size_t i = 0; i < names.size(); ++i) {
      if (Before(names[i], word) == arm) return i;
    }
    return std::nullopt;
  };
  for (const std::string& name : names) {
    const std::optional<std::string> arm = Before(name, joints.at(0));
    if (!arm) continue;
    NamedJoints found{.arm = *arm, .gripper = find(*arm, "gripper")};
    for (const std::string& joint : joints) {
      if (const auto place = find(*arm, joint)) found.joints.push_back(*place);
    }
    if (found.joints.size() == joints.size()) arms.push_back(std::move(found));
  }
  return arms;
}

}  // namespace

std::vector<JointArm> JointsByNames(const LerobotFolder& folder,
                                    const std::vector<double>& observed,
                                    const std::vector<double>& commanded, const JointRobot& robot) {
  const LerobotFeature& state = *folder.State();
  const LerobotFeature* action = folder.Action();
  const std::string place =
      fmt::format("{}: {}", (folder.path / "meta/info.json").string(), state.name);
  const std::vector<NamedJoints> found = FindJoints(state.names, robot.joints);
  if (found.empty()) {
    ThrowBadInput(fmt::format(
        "{}: the names of its numbers ({}) are not those of the joints of robot '{}' ({}): --map "
        "says which numbers are joints",
        place, state.names.empty() ? "none" : fmt::format("{}", fmt::join(state.names, ", ")),
        robot.info.robot, fmt::join(robot.joints, ", ")));
  }
  if (const std::string& name = state.names[found[0].joints[0]]; name.ends_with(kMotorEnd)) {
    ThrowBadInput(fmt::format(
        "{}: '{}' is degrees or a share of the calibrated range, which the folder does not say: "
        "--map says that they are degrees (`is: joints, scale: 0.0174533`), shares cannot be "
        "converted without the calibration",
        place, name));
  }
  const auto pick = [](const std::vector<double>& numbers, size_t width,
                       const std::vector<size_t>& places) {
    std::vector<Eigen::VectorXd> rows;
    for (size_t at = 0; at < numbers.size(); at += width) {
      Eigen::VectorXd row(static_cast<Eigen::Index>(places.size()));
      for (size_t i = 0; i < places.size(); ++i) {
        row[static_cast<Eigen::Index>(i)] = numbers[at + places[i]];
      }
      rows.push_back(std::move(row));
    }
    return rows;
  };
  std::vector<NamedJoints> targets;
  if (action != nullptr) targets = FindJoints(action->names, robot.joints);
  std::vector<JointArm> arms;
  for (const NamedJoints& named : found) {
    JointArm& arm = arms.emplace_back();
    arm.name = named.arm;
    while (!arm.name.empty() && !std::isalnum(static_cast<unsigned char>(arm.name.back()))) {
      arm.name.pop_back();
    }
    arm.columns = {state.name};
    arm.q = pick(observed, state.width(), named.joints);
    if (named.gripper) arm.gripper_q = pick(observed, state.width(), {*named.gripper});
    const auto same = [&](const NamedJoints& other) { return other.arm == named.arm; };
    const auto target = std::ranges::find_if(targets, same);
    arm.target_from = "the numbers of its action are not named as the joints";
    if (target == targets.end()) continue;
    arm.q_cmd = pick(commanded, action->width(), target->joints);
    arm.target_from = "joint targets of " + action->name;
    // ALOHA's grippers go from 0, closed, to 1; others say not what their numbers mean
    if (!target->gripper || folder.robot.find("aloha") == std::string::npos) continue;
    for (const Eigen::VectorXd& open : pick(commanded, action->width(), {*target->gripper})) {
      arm.gripper.push_back(1 - 2 * std::clamp(open[0], 0.0, 1.0));
    }
  }
  return arms;
}

}  // namespace understudy
