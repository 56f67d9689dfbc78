#pragma once

#include <string>

#include "core/base/progress.h"
#include "core/seam/episode_source.h"
#include "data/store/read_options.h"

namespace understudy {

// ReadOptions::joint_robot of a command that reads datasets for `task` (empty: the datasets' own)
// with the option `robot` (empty: none). The robot is the one that a dataset names, as `robot` or a
// listed robot is called here or, by `foreign` in its robot.yaml, elsewhere; else `robot`. Throws
// Error(kBadInput) where neither says which one.
FindJointRobot JointRobotFor(const std::string& task, const std::string& robot);

// `robot`, or where that is empty the one whose joints `source` holds, if it was opened with
// JointRobotFor and has no other poses; as LoadTwinOf takes it.
std::string RobotOfJoints(const EpisodeSource& source, const std::string& task,
                          const std::string& robot);

// Says where poses and targets come from, where `source` holds joints instead.
void SayPosesOfJoints(const EpisodeSource& source, Progress& progress);

}  // namespace understudy
