#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <vector>

#include "core/geometry/pose.h"

namespace understudy {

// Opaque: everything that the next step of the simulator that made it depends on (integration
// state, controller, predicate counters). Restoring it continues bit for bit in the same build.
using SimState = std::vector<double>;

// One arm as measured; sizes follow the robot.
struct ArmObservation {
  Pose X_WE;                  // control frame at the end effector
  Eigen::VectorXd joint_q;    // rad
  Eigen::VectorXd joint_v;    // rad/s
  Eigen::VectorXd gripper_q;  // m, one per finger joint
  Eigen::VectorXd gripper_v;  // m/s
};

// The low-dimensional view of the world at one instant, poses read after a forward pass. Lists
// follow the names of SimulatorInfo.
struct Observation {
  double sim_time_s = 0;
  std::vector<ArmObservation> arms;
  std::vector<Pose> X_WO;        // task objects
  std::vector<uint8_t> signals;  // subtask signals, 0 or 1
  bool success = false;          // the task's success predicate, holding included
};

}  // namespace understudy
