#pragma once

#include <mujoco/mujoco.h>

#include <vector>

#include "core/spec/robot_spec.h"
#include "core/spec/scene_file.h"
#include "core/spec/task_spec.h"

namespace understudy {

// Everything that the scene of `task` with `robot` is compiled from, where it has meshes, height
// fields, skins or pictures; empty where its MJCF says it all. `scene` and `arm` are the two models
// as they were parsed. Contents are read here and held. Throws Error(kBadInput) for a file that
// cannot be read.
std::vector<SceneFile> SceneFilesOf(const TaskSpec& task, const RobotSpec& robot,
                                    const mjSpec* scene, const mjSpec* arm);

}  // namespace understudy
