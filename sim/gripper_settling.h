#pragma once

#include <mujoco/mujoco.h>

#include <map>
#include <memory>
#include <vector>

#include "sim/mujoco_guard.h"

namespace understudy {

constexpr double kSettlingTime = 5;  // s that a gripper may take to come to rest

// Where a gripper rests.
struct GripperRest {
  std::map<int, double> qpos;  // by address
  int restless = -1;           // joint that still moved after kSettlingTime; -1: none
};

// Brings a gripper to rest by simulation, for what its joints alone do not show: links that close
// loops, springs, tendons through space. Everything else is held, and nothing falls or touches.
// The same model and commands give the same numbers, bit for bit.
class GripperSettling {
 public:
  // `joints` and `actuators` of the gripper.
  GripperSettling(const mjModel& model, std::vector<int> joints, std::vector<int> actuators);

  // From the posture in which the model is drawn, with one command per actuator.
  GripperRest Under(const std::vector<double>& command);

 private:
  std::vector<int> joints_, actuators_;
  std::vector<int> qpos_, dofs_;  // of the joints: addresses
  std::unique_ptr<mjModel, MujocoDeleter> model_;
  std::unique_ptr<mjData, MujocoDeleter> data_;
};

}  // namespace understudy
