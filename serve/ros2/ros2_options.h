#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/options.h"

namespace understudy {

// What a command is published as.
enum class Ros2CommandKind {
  kTrajectory,  // trajectory_msgs/msg/JointTrajectory of one point
  kArray  // std_msgs/msg/Float64MultiArray, as ros2_control's forward_command_controller reads
};
template <>
struct EnumNames<Ros2CommandKind> {
  static constexpr std::array kNames{"joint_trajectory", "float64_multi_array"};
};

// When a message counts as measured.
enum class Ros2Stamps { kHeader, kArrival };
template <>
struct EnumNames<Ros2Stamps> {
  static constexpr std::array kNames{"header", "arrival"};
};

struct Ros2Command {
  std::string topic;
  Ros2CommandKind kind = Ros2CommandKind::kTrajectory;
  template <class V>
  void Visit(V& v) {
    v("topic", topic,
      "full name, as /arm_controller/joint_trajectory; of a gripper empty: the arm's");
    v("kind", kind,
      "joint_trajectory: one point; float64_multi_array: positions, for a "
      "forward_command_controller");
  }
};

struct Ros2Gripper {
  std::vector<std::string> joints;
  std::vector<double> scale, offset;
  double open = 0, closed = 0;
  Ros2Command command;
  template <class V>
  void Visit(V& v) {
    v("joints", joints,
      "as joint states call them: one for each finger of the robot, or one for all; the first is "
      "commanded");
    v("scale", scale, "of each finger: finger of the robot = scale * theirs + offset; empty: 1");
    v("offset", offset, "of each finger, m or rad; empty: 0");
    v("open", open, "their position, m or rad, where the gripper is open");
    v("closed", closed, "where it is closed");
    v("command", command, "where it has a controller of its own");
  }
};

struct Ros2Arm {
  std::vector<std::string> joints;
  std::vector<int> signs;
  std::vector<double> zero_rad;
  Ros2Command command;
  Ros2Gripper gripper;
  template <class V>
  void Visit(V& v) {
    v("joints", joints,
      "base to tip, as joint states call them; empty: as the robot calls its joints");
    v("signs", signs, "1 or -1, of each joint; empty: 1");
    v("zero_rad", zero_rad, "rad of each of their joints where the robot's is 0; empty: 0");
    v("command", command, "what moves the arm", kRequired);
    v("gripper", gripper, "its fingers");
  }
};

struct Ros2Camera {
  std::string topic;
  int width = 640, height = 480;
  template <class V>
  void Visit(V& v) {
    v("topic", topic, "of sensor_msgs/msg/Image in rgb8 or bgr8", kRequired);
    v("width", width, "px; pictures of another size are rejected", Limits{1, 8192});
    v("height", height, "px", Limits{1, 8192});
  }
};

// The file of a robot behind ROS 2 (docs/deploy.md).
struct Ros2Options {
  std::optional<int> domain;
  std::string joint_states = "/joint_states";
  Ros2Stamps stamps = Ros2Stamps::kHeader;
  double reach_s = 0;
  double wait_s = 5;
  std::map<std::string, Ros2Arm> arms;
  std::map<std::string, Ros2Camera> cameras;
  template <class V>
  void Visit(V& v) {
    v("domain", domain, "of DDS; empty: $ROS_DOMAIN_ID, else 0", Limits{0, 232});
    v("joint_states", joint_states, "topic of sensor_msgs/msg/JointState");
    v("stamps", stamps,
      "when a message was measured: header, by its stamp and the clock of this machine; arrival, "
      "when it came");
    v("reach_s", reach_s,
      "s after which a trajectory's point is to be reached; 0: one control step", Limits{0, 10});
    v("wait_s", wait_s, "s to wait for the other side at the beginning", Limits{0.1, 600});
    v("arms", arms, "by the names of the robot's arms, as robot0", kRequired);
    v("cameras", cameras, "by the name that the policy calls them");
  }
};

}  // namespace understudy
