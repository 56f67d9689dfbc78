#pragma once

#include <mujoco/mujoco.h>

#include <memory>

#include "core/episode/action.h"
#include "core/spec/robot_spec.h"
#include "sim/model_index.h"

namespace understudy {

// How an arm follows the target of a policy step with its actuators. What it remembers it
// remembers from Begin to the end of the step. `model` must outlive it.
class ArmDrive {
 public:
  virtual ~ArmDrive() = default;

  // A policy step to `target` begins: to its joints where they are given, else to its pose. `data`
  // is past mj_step1 for its qpos and qvel, here and below.
  virtual void Begin(const mjData& data, const ArmAction& target) = 0;

  // Writes the actuators' entries of `ctrl` for the next substep; behind it `share` in (0, 1] of
  // the policy step is over.
  virtual void Drive(const mjData& data, double share, mjtNum* ctrl) = 0;
};

// Torque motors: operational space control (OscController) towards a pose, or, with fewer than six
// joints, towards the nearest pose that the arm can take; JointControlOptions towards joints.
// Position servos: their targets move evenly from where they are to the joints, or to the posture
// nearest to the pose (ArmChain::Nearest).
std::unique_ptr<ArmDrive> MakeArmDrive(const mjModel& model, const ArmIndex& arm,
                                       const RobotSpec& robot);

}  // namespace understudy
