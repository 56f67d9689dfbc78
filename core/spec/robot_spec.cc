#include "core/spec/robot_spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/base/error.h"
#include "core/spec/listed.h"

namespace understudy {

namespace fs = std::filesystem;
namespace {

// The path of `file`, or of the folder that holds it.
bool IsPathOf(const char* file, const std::string& place) {
  std::error_code none;
  return fs::is_regular_file(place, none) || fs::is_regular_file(fs::path(place) / file, none);
}
// What stands between the two parts of a robot's name, or in a path.
bool IsPlainName(const std::string& place) {
  return !place.empty() && place.find_first_of("+/") == std::string::npos;
}

void CheckName(const std::string& name, Problems* problems) {
  if (name.empty()) {
    problems->push_back("name: must be given");
  } else if (!IsPlainName(name)) {
    problems->push_back(fmt::format(
        "name: '{}' must hold neither '+', which joins robot and gripper, nor '/'", name));
  }
}

}  // namespace

GripperSpec LoadGripperSpec(const std::string& place, const fs::path& root) {
  const fs::path file = FindListed("gripper", place, root, "gripper.yaml");
  GripperSpec gripper = FromJson<GripperSpec>(LoadYaml(file), file.string());
  gripper.folder = fs::absolute(file).parent_path();
  gripper.listed = IsBelow(file, root.parent_path());
  Problems problems;
  CheckName(gripper.name, &problems);
  if (gripper.joints.empty()) problems.push_back("joints: at least one");
  if (!problems.empty())
    ThrowBadInput(fmt::format("{}: {}", file.string(), fmt::join(problems, "; ")));
  return gripper;
}

Json DescribeRobot(const RobotSpec& robot) {
  Json json = ToJson(robot);
  json["gripper"] = ToJson(robot.gripper);
  json.erase("description");
  json.erase("safety");
  json["gripper"].erase("description");
  return json;
}

Json CarriedRobot(const RobotSpec& robot) {
  Json json = ToJson(robot);
  if (!robot.carries_safety) json.erase("safety");
  return json;
}

std::pair<std::string, std::string> SplitRobot(const std::string& place) {
  if (place.find('+') == std::string::npos || IsPathOf("robot.yaml", place)) return {place, ""};
  // names hold no plus, paths may: the first plus between what can be an arm and a gripper
  std::pair<std::string, std::string> unknown_gripper;
  for (size_t plus = place.find('+'); plus != std::string::npos; plus = place.find('+', plus + 1)) {
    const std::string arm = place.substr(0, plus), gripper = place.substr(plus + 1);
    if (!IsPlainName(arm) && !IsPathOf("robot.yaml", arm)) continue;
    if (IsPlainName(gripper) || IsPathOf("gripper.yaml", gripper)) return {arm, gripper};
    if (unknown_gripper.first.empty()) unknown_gripper = {arm, gripper};
  }
  if (!unknown_gripper.first.empty()) return unknown_gripper;
  // a path that leads to no robot
  const size_t last = place.rfind('+');
  const std::string gripper = place.substr(last + 1);
  if (!IsPlainName(gripper)) return {place, ""};
  return {place.substr(0, last), gripper};
}

RobotSpec LoadRobotSpec(const std::string& place, const fs::path& root) {
  const auto [arm, other_gripper] = SplitRobot(place);
  const fs::path file = FindListed("robot", arm, root, "robot.yaml");
  Json json = LoadYaml(file);
  if (json.is_object() && json.contains("servo") && json["servo"].is_object()) {
    for (Json& gain : json["servo"]) {
      if (gain.is_number()) gain = Json::array({gain});
    }
  }
  RobotSpec robot = FromJson<RobotSpec>(json, file.string());
  robot.folder = file.parent_path();
  robot.listed = IsBelow(file, root);
  robot.carries_safety = !robot.listed;
  Problems problems;
  CheckName(robot.name, &problems);
  if (robot.joints.empty()) problems.push_back("joints: at least one");
  if (robot.home.size() != robot.joints.size()) {
    problems.push_back(
        fmt::format("home: {} angles for {} joints", robot.home.size(), robot.joints.size()));
  }
  for (const auto& [name, gains] : {std::pair{"kp", robot.servo.kp}, {"kd", robot.servo.kd}}) {
    if (gains.size() <= 1 || gains.size() == robot.joints.size()) continue;
    problems.push_back(
        fmt::format("servo.{}: {} gains for {} joints: give one for all, or one each", name,
                    gains.size(), robot.joints.size()));
  }
  if (robot.own_gripper.empty()) problems.push_back("gripper: must be given");
  for (const auto& [axis, range] :
       {std::pair("x", robot.safety.x), {"y", robot.safety.y}, {"z", robot.safety.z}}) {
    if (range[0] >= range[1]) {
      problems.push_back(
          fmt::format("safety.{} = [{}, {}]: the low end comes first", axis, range[0], range[1]));
    }
  }
  if (!problems.empty())
    ThrowBadInput(fmt::format("{}: {}", file.string(), fmt::join(problems, "; ")));

  // what it carries: its own gripper, or another, which then is part of its name
  const fs::path grippers = root.parent_path() / "grippers";
  const fs::path beside = robot.folder / robot.own_gripper;
  const std::vector<std::string> listed = ListedNames(grippers, "gripper.yaml");
  if (!fs::exists(beside) && !IsPathOf("gripper.yaml", robot.own_gripper) &&
      std::find(listed.begin(), listed.end(), robot.own_gripper) == listed.end()) {
    ThrowBadInput(fmt::format("{}: gripper: no folder beside this file, and {}", file.string(),
                              UnknownName("gripper", robot.own_gripper, listed)));
  }
  robot.gripper =
      LoadGripperSpec(fs::exists(beside) ? beside.string() : robot.own_gripper, grippers);
  robot.listed = robot.listed && robot.gripper.listed;
  if (other_gripper.empty()) return robot;
  const std::string own = robot.gripper.name;
  robot.gripper = LoadGripperSpec(other_gripper, grippers);
  robot.listed = robot.listed && robot.gripper.listed;
  if (robot.gripper.name == own) return robot;
  robot.name += "+" + robot.gripper.name;
  robot.foreign.clear();
  return robot;
}

}  // namespace understudy
