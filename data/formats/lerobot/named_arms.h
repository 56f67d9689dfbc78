#pragma once

// Features of LeRobot datasets that are named as WriteLerobot names them: what they mean is known.

#include <optional>
#include <string>
#include <vector>

#include "data/formats/lerobot/lerobot_folder.h"

namespace understudy {

struct NamedArm {
  size_t state = 0;                // place of its pose in observation.state: x y z qx qy qz qw
  size_t joints = 0, fingers = 0;  // numbers that follow
  size_t action = 0;               // place of its command in action
  bool by_joints = false;          // that is joint targets and gripper, not a delta and gripper
};

// The arms where all numbers of observation.state and action are named as ours; else none.
std::vector<NamedArm> NamedArms(const LerobotFolder& folder);

// Whether action.target is x y z qx qy qz qw gripper of that many arms.
bool TargetIsNamed(const LerobotFolder& folder, size_t arms);

// How LeRobot ends the names of motors that it calibrates itself: their numbers are degrees, or
// shares of the calibrated range.
inline constexpr const char* kMotorEnd = ".pos";

// One arm of a robot in a list of names: the place of each of its joints, base to tip, and of its
// gripper.
struct NamedJoints {
  std::string arm;  // what stands before its joints' names; may be empty
  std::vector<size_t> joints;
  std::optional<size_t> gripper;
};

// The arms whose joints are all among `names`, in the order in which they come: "joint1",
// "left_joint1", "left/joint1.pos". A gripper's name ends in `gripper`.
std::vector<NamedJoints> FindJoints(const std::vector<std::string>& names,
                                    const std::vector<std::string>& joints);

}  // namespace understudy
