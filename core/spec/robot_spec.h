#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/base/options.h"
#include "core/geometry/pose.h"
#include "core/spec/action_kind.h"
#include "core/spec/delta_limits.h"
#include "core/spec/foreign_names.h"
#include "core/spec/safety_options.h"

namespace understudy {

// Operational space control with the meaning of robosuite's OSC_POSE (Khatib 1987).
struct OscOptions {
  double kp = 150;  // 1/s^2, position and orientation
  double damping_ratio = 1;
  double nullspace_kp = 10;        // 1/s^2, pulls the posture home without moving E
  bool uncouple = false;           // position and orientation each with an inertia of its own: what
                                   // robosuite does, and slower to settle (see the robot's README)
  double max_linear_delta = 0.05;  // m per policy step: the box of a normalised action
  double max_angular_delta = 0.5;
  template <class V>
  void Visit(V& v) {
    v("kp", kp, "1/s^2", Limits{1, 2000});
    v("damping_ratio", damping_ratio, "1 is critical", Limits{0.1, 10});
    v("nullspace_kp", nullspace_kp, "1/s^2", Limits{0, 1000});
    v("uncouple", uncouple, "separate inertias for position and orientation, as robosuite");
    v("max_linear_delta", max_linear_delta, "m per policy step", Limits{1e-4, 1});
    v("max_angular_delta", max_angular_delta, "rad per policy step", Limits{1e-3, 3});
  }
};

// Torque motors that follow joint targets: tau = M (kp (q_cmd - q) - kd qd) + bias with
// kd = 2 sqrt(kp) damping_ratio, as robosuite's JOINT_POSITION.
struct JointControlOptions {
  double kp = 150;
  double damping_ratio = 1;
  template <class V>
  void Visit(V& v) {
    v("kp", kp, "1/s^2", Limits{1, 2000});
    v("damping_ratio", damping_ratio, "1 is critical", Limits{0.1, 10});
  }
};

// Gains of position servos, one number for all joints or one per joint: tau = kp (q_cmd - q) -
// kd qd. Empty: those of the model's actuators.
struct ServoOptions {
  std::vector<double> kp;
  std::vector<double> kd;
  template <class V>
  void Visit(V& v) {
    v("kp", kp, "Nm/rad, of all joints or of each; empty: the model's", Limits{1e-3, 1e6});
    v("kd", kd, "Nm s/rad, the same", Limits{0, 1e5});
  }
};

// gripper.yaml: a gripper, written once and carried by any arm. Names are those of the MJCF files
// beside it, which an arm's model includes as gripper/<file>.
struct GripperSpec {
  std::string name;
  std::string description;
  std::string control_site = "grip_site";  // frame E: origin between the finger tips
  std::vector<std::string> joints;
  std::string actuator_prefix = "gripper";
  std::vector<std::string> left_pads, right_pads;  // geoms whose contact counts as holding
  double max_opening = 0.08;
  double speed = 0.2;  // command units per policy step (robosuite: 0.2 toward sign)
  int symmetry = 1;
  std::filesystem::path folder;  // where gripper.yaml stands; not in the file
  bool listed = true;            // among the listed ones, or in its arm's folder; the same
  template <class V>
  void Visit(V& v) {
    v("name", name, "as in --robot arm+name");
    v("description", description, "one line");
    v("control_site", control_site, "frame E");
    v("joints", joints, "finger joints");
    v("actuator_prefix", actuator_prefix, "actuators of the fingers start with it");
    v("left_pads", left_pads, "geoms of one finger");
    v("right_pads", right_pads, "geoms of the other");
    v("max_opening", max_opening, "m", Limits{0, 1});
    v("speed", speed, "of the commanded opening, share per policy step", Limits{0.001, 2});
    v("symmetry", symmetry,
      "turns of E about its z by 2 pi / symmetry grip alike: 2 for two equal jaws", Limits{1, 64});
  }
};

// robot.yaml: how to find the parts of the arm's MJCF, how to drive them and what the arm carries.
struct RobotSpec {
  // same settings, same text
  static constexpr std::array kUnwritten{"stand",         "tilt",  "action",
                                         "joint_control", "servo", "safety"};
  std::string name;  // "panda"; "panda+wide" where it carries another gripper than its own
  std::string description;
  std::string model = "model.xml";  // MJCF beside robot.yaml; includes gripper/<file>
  std::vector<std::string> joints;
  std::vector<double> home;  // rad, also the nullspace posture, whatever it carries
  double home_noise = 0.02;
  std::vector<std::string> link_bodies;
  double reach = 0.855;  // m from the base, of E with the arm's own gripper
  Pose X_PB;
  double tilt = 0.35;  // rad that fewer than six joints may leave the hand's
                       // orientation beside what is asked for
  std::string own_gripper;
  GripperSpec gripper;  // what it carries; not in the file
  ActionKind action = ActionKind::kPose;
  OscOptions osc;
  JointControlOptions joint_control;
  ServoOptions servo;
  SafetyOptions safety;
  std::map<std::string, ForeignRobot> foreign;
  std::filesystem::path folder;  // where robot.yaml stands; not in the file
  bool listed = true;            // it and its gripper are; the same
  bool carries_safety = false;   // data of it hold `safety`; the same

  DeltaLimits limits() const { return {osc.max_linear_delta, osc.max_angular_delta}; }
  template <class V>
  void Visit(V& v) {
    v("name", name, "as in --robot");
    v("description", description, "one line");
    v("model", model, "MJCF file beside this one");
    v("joints", joints, "of the arm, base to tip");
    v("home", home, "rad");
    v("home_noise", home_noise, "rad, standard deviation per joint at reset", Limits{0, 1});
    v("link_bodies", link_bodies, "bodies (links and hand) whose contacts are collisions");
    v("reach", reach, "m", Limits{0.1, 10});
    v("stand", X_PB, "where its base stands from the place that a task gives it");
    v("tilt", tilt, "rad that an arm of five joints may leave the hand off its orientation",
      Limits{0, 3.2});
    v("gripper", own_gripper, "listed gripper or path of a gripper.yaml");
    v("action", action, "its command: pose of the hand, or joints");
    v("osc", osc, "controller of torque motors for poses, and the box of a normalised action");
    v("joint_control", joint_control, "controller of torque motors for joints");
    v("servo", servo, "gains of position servos; empty: those of the model");
    v("safety", safety, "what a policy may command (`evaluate --safety`)");
    v("foreign", foreign, "what other programs call it, by family: robosuite, isaaclab");
  }
};

// `place` is a listed gripper's name or the path of a gripper.yaml; `root` the folder of listed
// grippers (sim/grippers). Throws as LoadRobotSpec.
GripperSpec LoadGripperSpec(const std::string& place, const std::filesystem::path& root);

// robot.yaml with gripper.yaml in it, all but the words for people and what guards commands: equal
// robots behave alike, given equal models.
Json DescribeRobot(const RobotSpec& robot);

// robot.yaml as data carry it: what guards commands only where the robot is not a listed one, whose
// limits are read with it.
Json CarriedRobot(const RobotSpec& robot);

// "arm+gripper" in two; the second is empty where no gripper is named.
std::pair<std::string, std::string> SplitRobot(const std::string& place);

// `place` is a listed robot's name or the path of a robot.yaml, with "+" and a gripper (listed, or
// the path of a gripper.yaml) where it is to carry another than its own; `root` the folder of
// listed robots (sim/robots); listed grippers lie in sim/grippers beside it. What other programs
// call the robot holds for its own gripper only. Throws Error(kBadInput) listing every violation,
// Error(kUsage) for an unknown name.
RobotSpec LoadRobotSpec(const std::string& place, const std::filesystem::path& root);

}  // namespace understudy
