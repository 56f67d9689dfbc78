#pragma once

#include <mujoco/mujoco.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/base/options.h"
#include "core/spec/robot_spec.h"
#include "core/spec/task_spec.h"
#include "sim/gripper_drive.h"

namespace understudy {

// "robot0", "robot1", …
std::string ArmName(size_t arm);

// Ids of the parts of one arm in a compiled model.
struct ArmIndex {
  std::string name;  // "robot0"; its parts are named "robot0_…"
  int base_body = -1;
  int site = -1, site_body = -1;                   // control frame E
  std::vector<int> joints, dofs, qpos, actuators;  // base to tip
  std::vector<double> home;                        // rad
  bool is_servo = false;                           // its actuators take angles instead of torques
  std::vector<int> finger_joints, finger_dofs, finger_qpos;
  GripperDrive gripper;
};

// Ids of a task object: it has a free joint (qpos), is a mocap body, or is a part of what it hangs
// from (neither).
struct ObjectIndex {
  std::string name;
  int body = -1;
  int qpos = -1, dof = -1;  // of the free joint, or -1
  int mocap = -1;           // mocap id, or -1
  double radius = 0;        // m
  bool is_part() const { return qpos < 0 && mocap < 0; }
};

// Role of a geom in the predicates.
struct GeomRole {
  int8_t left_pad_of = -1, right_pad_of = -1, finger_of = -1, link_of = -1;  // arm index
};

// Names of task and robot, resolved in a compiled model. A value; holds no pointers.
struct ModelIndex {
  std::vector<ArmIndex> arms;
  std::vector<ObjectIndex> objects;  // sorted by name, as TaskSpec::object_names()
  std::vector<GeomRole> geoms;       // by geom id
  // place in qpos of the joints that variants start somewhere, by their names there
  std::map<std::string, int> started_joints;
};

// Appends every violation to `problems` as `path: what is wrong`.
ModelIndex IndexModel(const mjModel& model, const TaskSpec& task, const RobotSpec& robot,
                      Problems* problems);

// Appends what is wrong with the actuators of the robot's joints, each found: such as none could be
// commanded to hold, or takes commands in other units. Varied worlds may have other gains.
void CheckDrives(const mjModel& model, const ModelIndex& index, Problems* problems);

// Whether an actuator takes a position and pulls its joint or tendon there.
bool IsServo(const mjModel& model, int actuator);

// Whether a geom can touch anything.
bool Touches(const mjModel& model, int geom);

// Of these cameras, the ids of those that stand still.
std::vector<int> StandingCameras(const mjModel& model, const std::vector<std::string>& cameras);

// Whether `body` is `root` or hangs from it.
bool InSubtree(const mjModel& model, int body, int root);

// The body that a task calls `name`: of its object, or of the scene; -1: neither.
int BodyCalled(const mjModel& model, const TaskSpec& task, const std::string& name);

// Names of all elements of one type, for messages.
std::vector<std::string> ModelNames(const mjModel& model, mjtObj type);

// Name of a body for messages: its own, or "body 12".
std::string NameOfBody(const mjModel& model, int body);

// Name of an element in words for messages: "geom 'table_top'" or "geom 12".
std::string ModelName(const mjModel& model, mjtObj type, int id);

}  // namespace understudy
