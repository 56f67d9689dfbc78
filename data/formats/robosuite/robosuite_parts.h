#pragma once

// What the readers of robosuite's own files and of LIBERO's share.

#include <vector>

#include "core/base/json.h"
#include "core/episode/episode.h"
#include "core/seam/dataset_header.h"
#include "data/formats/base/joint_poses.h"
#include "data/store/hdf5/group.h"
#include "data/store/read_options.h"

namespace understudy::foreign {

inline constexpr size_t kMaxArms = 16;

// What the actions of a file mean.
struct Control {
  bool known = false;     // 7 numbers per arm of an OSC_POSE controller; untold, they may be joints
  bool absolute = false;  // they are targets, not deltas
  bool boxed = false;     // the controller takes numbers in [-1, 1]
  DeltaLimits limits;     // robosuite's defaults if the file stores none
};

// env_kwargs of env_args.
Json KwargsOf(const Json& env);
// The first controller of an arm in `kwargs`, wherever a version of robosuite puts it; null where
// there is none.
const Json* ControllerIn(const Json& kwargs);
Control ControlOf(const Json& kwargs);

// Dialect::has_joints and joints: obs/robot<i>_joint_pos, and actions of a JOINT_POSITION
// controller.
bool HasRobosuiteJoints(const h5::Group& demo);
std::vector<JointArm> ReadRobosuiteJoints(const h5::Group& demo, const DatasetHeader& header,
                                          const JointRobot& robot);

// Rate, robot, limits, instruction, arms, objects, signals, pictures and width of the states, as
// env_args and robosuite's names of columns show them.
void FillRobosuiteHeader(const h5::Group& root, const h5::Group& demo, const ReadOptions& options,
                         DatasetHeader* header);
// States of the simulator, and its clock. Episodes without `states` have none.
void ReadRobosuiteStates(const h5::Group& demo, Episode* episode);
// Deltas and targets, for an episode that has the poses of its arms. What is not understood is said
// in settings[kActionsAre].
void ReadRobosuiteActions(const h5::Group& demo, const DatasetHeader& header, Episode* episode);

}  // namespace understudy::foreign
