#pragma once

#include <string>
#include <vector>

#include "core/episode/action.h"
#include "core/episode/observation.h"
#include "core/seam/simulator.h"
#include "serve/ros2/joint_board.h"
#include "serve/ros2/ros2_options.h"

namespace understudy {

// An arm's joints and fingers as the robot of the twin has them, and as ROS 2 has them.
class JointMap {
 public:
  // Throws Error(kBadInput), naming `file`, where the options do not fit the arm.
  JointMap(const Ros2Arm& options, const std::string& file, const SimulatorInfo& info, size_t arm);

  // Of joint states: the arm's joints and then the gripper's.
  const std::vector<std::string>& joints() const { return names_; }
  // Those that are commanded with the arm: its joints and, without a controller of its own, the
  // gripper's first.
  std::vector<std::string> commanded() const;
  bool has_gripper() const { return !options_.gripper.joints.empty(); }
  bool own_gripper() const { return has_gripper() && !options_.gripper.command.topic.empty(); }

  // What joints `first` and following of the board say; X_WE is left.
  void Read(const JointBoard& board, size_t first, ArmObservation* arm) const;
  // The gripper's command in [-1, 1] that would keep it where it is.
  double GripperOf(const JointBoard& board, size_t first) const;
  // Positions of commanded(), and of the gripper.
  void Write(const ArmAction& action, std::vector<double>* positions) const;
  double GripperPosition(double command) const;
  // Throws Error(kFailed) where a joint of the arm, at `q` of the twin, is outside of its range by
  // more than slack: it is another joint, or is counted otherwise.
  void RequireInRange(const Eigen::VectorXd& q, const Kinematics& kinematics) const;

  // Topics of its commands.
  std::vector<std::string> topics() const;
  // Begins messages: "cell.yaml: arms.robot0".
  const std::string& place() const { return place_; }

 private:
  double SignOf(size_t joint) const { return options_.signs.empty() ? 1 : options_.signs[joint]; }
  double ZeroOf(size_t joint) const {
    return options_.zero_rad.empty() ? 0 : options_.zero_rad[joint];
  }

  Ros2Arm options_;
  std::string place_;
  size_t joints_, fingers_;
  std::vector<std::string> names_;
};

// Throws Error(kBadInput) where two of the arms read the same joint, or two commands have the same
// topic: one arm would follow the other's joints, or a controller would get a part of a command at
// a time.
void RequireOwnJoints(const std::vector<const JointMap*>& arms);

}  // namespace understudy
