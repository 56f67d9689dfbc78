#pragma once

#include <mujoco/mujoco.h>

#include <memory>

#include "core/geometry/pose.h"
#include "core/spec/robot_spec.h"
#include "sim/model_index.h"

namespace understudy {

// Operational space control of one arm (Khatib 1987, "A unified approach for motion and force
// control of robot manipulators") with the gains of robosuite's OSC_POSE:
//
//   tau = J' L [kp e - kd V] + (I - J' L J M^-1) M [kn (q_home - q) - kdn qd] + bias
//
// e = position error and rotation vector of the orientation error, V = twist of E, both in W;
// L = (J M^-1 J')^-1, the inertia at E; bias = gravity and Coriolis forces. With
// OscOptions::uncouple the first L is the two 3 x 3 inertias of position and of orientation, each
// as if the other were free. Differences from robosuite, on purpose: e uses the angle (robosuite
// its sine, which weakens beyond 90 deg), and J M^-1 J' is damped by 0.1 % of its mean instead of
// pseudo-inverted, so that torques stay finite at singular postures.
//
// Stateless between calls: the torques are a function of mjData and target. Allocates nothing after
// construction. `model` must outlive it.
class OscController {
 public:
  virtual ~OscController() = default;

  // Writes the motors' entries of `ctrl` (Nm, clipped to their ranges): E is pulled to X_WE_cmd.
  // `data` must be past mj_step1 for its qpos and qvel.
  virtual void Torques(const mjData& data, const Pose& X_WE_cmd, mjtNum* ctrl) const = 0;
};

// For arms of 5 to 7 joints.
std::unique_ptr<OscController> MakeOscController(const mjModel& model, const ArmIndex& arm,
                                                 const OscOptions& options);

// X_WE from the kinematics in `data`.
Pose ControlPose(const mjModel& model, const mjData& data, const ArmIndex& arm);

// Body frame of `body`, from the kinematics in `data`.
Pose BodyPose(const mjData& data, int body);

}  // namespace understudy
