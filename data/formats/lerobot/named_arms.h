#pragma once

// Features of LeRobot datasets that are named as WriteLerobot names them: what they mean is known.

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

}  // namespace understudy
