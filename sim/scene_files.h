#pragma once

#include <mujoco/mujoco.h>

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/spec/robot_spec.h"
#include "core/spec/scene_file.h"
#include "core/spec/task_spec.h"

namespace understudy {

// The MJCF files of a gripper, which an arm's model includes as gripper/<file>, and the meshes and
// pictures that lie beside them.
class GripperFiles {
 public:
  explicit GripperFiles(const RobotSpec& robot);

  const std::filesystem::path& folder() const { return folder_; }             // absolute
  const std::map<std::string, std::string>& texts() const { return texts_; }  // by file, as written
  // As the texts name them: from their own folder, or absolute; an arm takes some of them.
  const std::set<std::string>& assets() const { return assets_; }
  std::string WholePath(const std::string& asset) const;

  // The text of `file` for an arm in another folder: its assets by their whole paths.
  std::string Included(const std::string& file) const;
  // A text of MuJoCo's that has them, without the folder that they lie in here.
  std::string WithoutFolder(std::string text) const;

 private:
  std::filesystem::path folder_;
  std::map<std::string, std::string> texts_;
  std::set<std::string> assets_;
};

// Everything that the scene of `task` with `robot` is compiled from, where it has meshes, height
// fields, skins or pictures, or where task or robot is not listed and so not found everywhere; else
// empty. `scene` and `arm` are the two models
// as they were parsed. Contents are read here and held. Throws Error(kBadInput) for a file that
// cannot be read.
std::vector<SceneFile> SceneFilesOf(const TaskSpec& task, const RobotSpec& robot,
                                    const GripperFiles& gripper, const mjSpec* scene,
                                    const mjSpec* arm);

}  // namespace understudy
