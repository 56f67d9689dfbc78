#pragma once

#include <mujoco/mujoco.h>

#include <string>
#include <utility>
#include <vector>

#include "core/base/options.h"

namespace understudy {

// What the index knows of an arm's gripper; ids in the model.
struct GripperParts {
  int wrist = -1;                      // body of the arm's last joint: the gripper hangs from it
  std::vector<int> joints, actuators;  // of the fingers
  std::vector<int> left_pads, right_pads;  // geoms
};

// An actuator of the fingers: the ends of its ctrlrange.
struct FingerActuator {
  int id = -1;
  double closed = 0, open = 0;
};

// How a gripper is opened and closed.
struct GripperDrive {
  std::vector<FingerActuator> actuators;
  // Address in qpos and value of every joint that moves with the gripper, where it rests while the
  // gripper is commanded open.
  std::vector<std::pair<int, double>> open_qpos;
  double opening = 0;  // m, there: between the pads, where they are nearest to each other
};

// Open is the end of a ctrlrange at which the pads stand farther apart, whatever the sign of the
// gear. A joint without an actuator follows the one that an equality couples it with; where that
// does not place every joint of the gripper (linkages that close loops, springs, tendons through
// space) it is brought to rest by simulation. Appends to `problems` fingers and pads that the
// commands do not move, and joints that do not come to rest.
GripperDrive FindGripperDrive(const mjModel& model, const GripperParts& parts, Problems* problems);

}  // namespace understudy
