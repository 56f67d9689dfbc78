#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/seam/render_options.h"
#include "core/seam/renderer.h"
#include "core/seam/scene_view.h"
#include "core/seam/simulator.h"
#include "core/spec/robot_spec.h"
#include "core/spec/scene_file.h"
#include "core/spec/task_spec.h"

struct mjModel_;

namespace understudy {

// A task with its robot, composed and compiled once: immutable, shared by the simulators and
// renderers of all threads (each copies or reads the model, none writes it).
class Scene {
 public:
  // Composes scene.xml and the robot's model.xml, which includes its gripper's files, compiles them
  // and checks that every name of the specs exists. Throws Error(kBadInput) that lists every
  // violation.
  static std::shared_ptr<const Scene> Compile(const TaskSpec& task, const RobotSpec& robot);
  ~Scene();

  const TaskSpec& task() const { return task_; }
  const RobotSpec& robot() const { return robot_; }
  const SimulatorInfo& info() const { return info_; }
  const mjModel_* model() const { return model_; }
  const std::string& model_text() const { return model_text_; }  // composed MJCF
  // What it was compiled from, where that has meshes or pictures.
  const std::vector<SceneFile>& files() const { return files_; }

 private:
  Scene() = default;
  TaskSpec task_;
  RobotSpec robot_;
  SimulatorInfo info_;
  mjModel_* model_ = nullptr;
  std::string model_text_;
  std::vector<SceneFile> files_;
};

std::unique_ptr<Simulator> MakeSimulator(std::shared_ptr<const Scene> scene);

std::unique_ptr<SceneView> MakeSceneView(std::shared_ptr<const Scene> scene);

// Call it on the thread that renders. Throws Error(kFailed) without EGL, and says what to install.
std::unique_ptr<Renderer> MakeRenderer(std::shared_ptr<const Scene> scene,
                                       const RenderOptions& options = {});

}  // namespace understudy
