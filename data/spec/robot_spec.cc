#include "data/spec/robot_spec.h"

#include <fmt/format.h>

#include "data/base/error.h"
#include "data/spec/listed.h"

namespace understudy {

namespace fs = std::filesystem;

GripperSpec LoadGripperSpec(const std::string& place, const fs::path& root) {
  const fs::path file = FindListed("gripper", place, root, "gripper.yaml");
  GripperSpec gripper = FromJson<GripperSpec>(LoadYaml(file), file.string());
  gripper.folder = fs::absolute(file).parent_path();
  Problems problems;
  if (gripper.name.empty()) problems.push_back("name: must be given");
  if (gripper.joints.empty()) problems.push_back("joints: at least one");
  if (!problems.empty())
    ThrowBadInput(fmt::format("{}: {}", file.string(), fmt::join(problems, "; ")));
  return gripper;
}

Json DescribeRobot(const RobotSpec& robot) {
  Json json = ToJson(robot);
  json["gripper"] = ToJson(robot.gripper);
  json.erase("description");
  json["gripper"].erase("description");
  return json;
}

std::pair<std::string, std::string> SplitRobot(const std::string& place) {
  const size_t plus = place.rfind('+');
  if (plus == std::string::npos || fs::exists(place)) return {place, ""};
  return {place.substr(0, plus), place.substr(plus + 1)};
}

RobotSpec LoadRobotSpec(const std::string& place, const fs::path& root) {
  const auto [arm, other_gripper] = SplitRobot(place);
  const fs::path file = FindListed("robot", arm, root, "robot.yaml");
  RobotSpec robot = FromJson<RobotSpec>(LoadYaml(file), file.string());
  robot.folder = file.parent_path();
  Problems problems;
  if (robot.name.empty()) problems.push_back("name: must be given");
  if (robot.joints.empty()) problems.push_back("joints: at least one");
  if (robot.home.size() != robot.joints.size()) {
    problems.push_back(
        fmt::format("home: {} angles for {} joints", robot.home.size(), robot.joints.size()));
  }
  if (robot.own_gripper.empty()) problems.push_back("gripper: must be given");
  if (!problems.empty())
    ThrowBadInput(fmt::format("{}: {}", file.string(), fmt::join(problems, "; ")));

  // what it carries: its own gripper, or another, which then is part of its name
  const fs::path grippers = root.parent_path() / "grippers";
  const fs::path beside = robot.folder / robot.own_gripper;
  robot.gripper =
      LoadGripperSpec(fs::exists(beside) ? beside.string() : robot.own_gripper, grippers);
  if (other_gripper.empty()) return robot;
  const std::string own = robot.gripper.name;
  robot.gripper = LoadGripperSpec(other_gripper, grippers);
  if (robot.gripper.name == own) return robot;
  robot.name += "+" + robot.gripper.name;
  robot.foreign.clear();
  return robot;
}

}  // namespace understudy
