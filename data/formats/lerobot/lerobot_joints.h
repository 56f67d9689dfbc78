#pragma once

// Joints of arms in a LeRobot folder, known by the names of the numbers of state and action.

#include <vector>

#include "data/formats/base/joint_poses.h"
#include "data/formats/lerobot/lerobot_folder.h"

namespace understudy {

// Of the rows of an episode: `observed` are the numbers of folder.State(), which there must be,
// `commanded` those of folder.Action(), if there is one. Throws as JointRows::ReadJoints.
std::vector<JointArm> JointsByNames(const LerobotFolder& folder,
                                    const std::vector<double>& observed,
                                    const std::vector<double>& commanded, const JointRobot& robot);

}  // namespace understudy
