#pragma once

#include <functional>
#include <memory>
#include <mutex>
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
struct mjSpec_;

namespace understudy {

struct WorldParts;

// A task with its robot, composed and compiled once: immutable, shared by the simulators and
// renderers of all threads (each copies or reads the model, none writes it).
class Scene {
 public:
  // Composes scene.xml and the robot's model.xml, which includes its gripper's files, compiles them
  // and checks that every name of the specs exists. Throws Error(kBadInput) that lists every
  // violation.
  static std::shared_ptr<const Scene> Compile(const TaskSpec& task, const RobotSpec& robot);
  ~Scene();

  // The scene of another world, compiled from the same parts with `variation` applied to them; of
  // the nominal one, nominal.Vary(...) gives `nominal` itself where nothing changes. Some
  // milliseconds; any thread. Throws Error(kBadInput) that lists every violation.
  static std::shared_ptr<const Scene> Vary(const std::shared_ptr<const Scene>& nominal,
                                           const PhysicsVariation& variation);

  const TaskSpec& task() const { return task_; }
  const RobotSpec& robot() const { return robot_; }
  const SimulatorInfo& info() const { return info_; }
  const mjModel_* model() const { return model_; }
  const std::string& model_text() const;  // composed MJCF
  // Of the nominal world.
  const PhysicsInventory& inventory() const { return inventory_; }
  const WorldParts& parts() const { return *parts_; }
  // What it was compiled from, where that has meshes or pictures.
  const std::vector<SceneFile>& files() const { return files_; }

 private:
  Scene();
  void CompileSpec(const std::string& name);
  void SetStateSizes();
  TaskSpec task_;
  RobotSpec robot_;
  SimulatorInfo info_;
  mjSpec_* spec_ = nullptr;  // that model_ was compiled from
  mjModel_* model_ = nullptr;
  PhysicsInventory inventory_;
  std::unique_ptr<WorldParts> parts_;
  std::function<std::string(std::string)> shorten_;  // MuJoCo's text without our folders
  mutable std::mutex mutex_;                         // of spec_ and of the text, made on demand
  mutable std::string model_text_;
  std::vector<SceneFile> files_;
};

std::unique_ptr<Simulator> MakeSimulator(std::shared_ptr<const Scene> scene);

std::unique_ptr<SceneView> MakeSceneView(std::shared_ptr<const Scene> scene);

// Call it on the thread that renders. Throws Error(kFailed) without EGL, and says what to install.
std::unique_ptr<Renderer> MakeRenderer(std::shared_ptr<const Scene> scene,
                                       const RenderOptions& options = {});

}  // namespace understudy
