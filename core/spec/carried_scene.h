#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/spec/robot_spec.h"
#include "core/spec/scene_file.h"
#include "core/spec/task_spec.h"

namespace understudy {

// Where the folders of a scene's specs stand among its files, below the folder that these are put
// into.
struct SceneFolders {
  std::string task, robot, gripper;
};

// The file that says what the others are: the specs and their folders.
SceneFile DescribeScene(const TaskSpec& task, const RobotSpec& robot, const SceneFolders& folders);

struct CarriedScene {
  TaskSpec task;
  RobotSpec robot;
  std::filesystem::path folder;  // of ReadScene
  // Whether another task or robot is the carried one, to the text of its files. The robot that a
  // task names does not count.
  bool Is(const TaskSpec& other) const;
  bool Is(const RobotSpec& other) const;
};

// Writes the files into `folder`, which exists. Throws Error(kBadInput) under `name` for files that
// lead out of the folder or cannot be read; Error(kFailed) where they cannot be written.
void WriteScene(const std::vector<SceneFile>& files, const std::filesystem::path& folder,
                const std::string& name);

// The specs of files that were written into `folder`, with their folders in it. Throws
// Error(kBadInput) under `name` where that of DescribeScene is missing or not valid.
CarriedScene ReadScene(const std::filesystem::path& folder, const std::string& name);

}  // namespace understudy
