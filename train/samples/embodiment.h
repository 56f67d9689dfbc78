#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "core/base/options.h"
#include "core/episode/action.h"
#include "core/episode/observation.h"
#include "core/seam/simulator.h"
#include "train/samples/columns.h"

namespace understudy {

// A column of a dataset whose numbers are part of a state or an action, as they are stored.
struct EmbodimentColumn {
  std::string name;  // ColumnSpec::name
  int size = 0;
  std::vector<std::string> parts;
  bool operator==(const EmbodimentColumn&) const = default;
  template <class V>
  void Visit(V& v) {
    v("name", name, "of the dataset");
    v("size", size, "numbers per row", Limits{1, 4096});
    v("parts", parts, "names of the numbers; empty: they have none");
  }
};

// Values of Embodiment::action_meaning.
inline constexpr const char* kRelativeEef = "relative_eef";
inline constexpr const char* kRelativeJoints = "relative_joints";
inline constexpr const char* kStoredColumns = "columns";

// What the numbers of a policy mean: measured arms become a state vector, absolute targets become
// action vectors, and back; or both are columns of a dataset as they are. Stored in every
// checkpoint.
//
// State, per arm: p_BE (3), rotation of R_BE as its first two columns (6; Zhou et al., CVPR 2019),
// finger joint positions. Action "relative_eef", per arm and chunk step k, seen from the
// observation at t that the chunk answers: p_WE_cmd(t+k) - p_WE(t) in world axes (3),
// log(R_WE_cmd(t+k) R_WE(t)^T) in world axes (3), gripper command (1).
//
// "relative_joints": state, per arm: joint angles, finger joint positions. Action, per arm and
// chunk step k: q_cmd(t+k) - q(t), one per joint, gripper command (1).
//
// "columns": state and action are the listed columns, one after the other; an action is the one
// that is stored for its own row.
struct Embodiment {
  std::string robot;
  std::vector<std::string> arms;
  int gripper_joints = 2;
  Pose X_WB;  // base of arm 0; all arms are seen from it
  std::string action_meaning = kRelativeEef;
  std::vector<std::string> joints;                              // of all arms, of kRelativeJoints
  std::vector<EmbodimentColumn> state_columns, action_columns;  // of kStoredColumns
  static constexpr std::array kUnwritten{"joints", "state_columns", "action_columns"};

  template <class V>
  void Visit(V& v) {
    v("robot", robot, "name of the robot");
    v("arms", arms, "names, in order");
    v("gripper_joints", gripper_joints, "finger joints per arm", Limits{0, 64});
    v("base", X_WB, "robot base in the world");
    v("action_meaning", action_meaning, "relative_eef, relative_joints or columns");
    v("joints", joints, "names, arm by arm, where action_meaning is relative_joints");
    v("state_columns", state_columns, "of the dataset, where action_meaning is columns");
    v("action_columns", action_columns, "of the dataset, where action_meaning is columns");
  }

  bool of_columns() const { return action_meaning == kStoredColumns; }
  bool of_joints() const { return action_meaning == kRelativeJoints; }
  size_t joints_per_arm() const { return arms.empty() ? 0 : joints.size() / arms.size(); }
  int state_size() const;
  int action_size() const;
  // What each number is: "robot0_x", "robot0_gripper", a joint, a part of a column.
  std::vector<std::string> StateNames() const;
  std::vector<std::string> ActionNames() const;

  // The functions below are of arms, not of columns.
  // Writes state_size() numbers. Requires one entry per arm with the right number of joints.
  void EncodeState(const std::vector<ArmObservation>& arms_now, float* state_S) const;
  // relative_eef: writes action_size() numbers; `X_WE_now` and `targets` hold one entry per arm.
  void EncodeAction(const Pose* X_WE_now, const ArmAction* targets, float* action_A) const;
  // relative_joints: the same in two steps, absolute targets first, then from the state at t.
  void EncodeJoints(const std::vector<ArmAction>& targets, float* absolute_A) const;
  void SeeFrom(const float* state_S, const float* absolute_A, float* action_A) const;
  // Either: targets as a policy sees them from where the arms stand, what DecodeAction undoes.
  void EncodeTargets(const std::vector<ArmObservation>& arms_now, const Action& targets,
                     float* action_A) const;
  // The absolute targets that the numbers mean; gripper commands are clipped to [-1, 1]. Those of
  // joints are still to be resolved: where they bring E is not known here.
  Action DecodeAction(const std::vector<ArmObservation>& arms_now, const float* action_A) const;
};

// Of the poses of the robot's arms.
Embodiment MakeEmbodiment(const SimulatorInfo& info);

// Whether both have the same numbers in the same places: what one learns in one slot of a policy.
bool SameColumns(const Embodiment& a, const Embodiment& b);

// A name for each: the robot's, with what tells apart those of one robot.
std::vector<std::string> EmbodimentNames(const std::vector<Embodiment>& embodiments);

// What one embodiment brings to what is offered.
struct EmbodimentOffer {
  std::vector<std::string> cameras;
  int state = 0, action = 0;  // numbers
};

// Cameras of any of them, in the order in which they come.
std::vector<std::string> CamerasOf(std::span<const EmbodimentOffer> embodiments);

// What such robots with cameras offer to a policy, padded to the largest, the instruction as
// `tokens` numbers; `objects` numbers of labels, 0 for none, and whether every row knows them.
std::vector<ColumnInfo> OfferedColumns(std::span<const EmbodimentOffer> embodiments, int height,
                                       int width, int tokens, int objects, bool objects_seen);

// The same pose up to the rounding of files (1e-9 m, 1e-9 of the quaternion).
bool SamePlace(const Pose& a, const Pose& b);

}  // namespace understudy
