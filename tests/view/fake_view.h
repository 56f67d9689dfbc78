#pragma once

#include "core/base/error.h"
#include "core/seam/scene_view.h"

namespace understudy::view_test {

// A world, a hand and a cube, which is red where anything is varied; a state begins with where the
// cube is.
class FakeView final : public SceneView {
 public:
  explicit FakeView(std::string cube = "cube") : cube_(std::move(cube)) {}

 private:
  SceneLook DoLook(const SceneVariation& variation) override {
    SceneLook look;
    look.bodies = {"world", "hand", cube_};
    look.parents = {0, 0, 0};
    look.hands = {{"robot0", 1, Pose(Eigen::Quaterniond::Identity(), {0, 0, 0.1})}};
    SceneShape box;
    box.name = "cube";
    box.body = 2;
    box.size = {0.02f, 0.02f, 0.02f};
    if (!variation.edits.empty()) box.rgba = {1, 0, 0, 1};
    SceneShape mesh = box;
    mesh.kind = SceneShapeKind::kMesh;
    mesh.mesh = mesh.picture = 0;
    look.shapes = {box, mesh};
    look.meshes = {{{0, 0, 0, 1, 0, 0, 0, 1, 0}, {0, 0, 1, 0, 0, 1, 0, 0, 1}, {}}};
    look.pictures = {{1, 1, false, {10, 20, 30}}};
    look.cameras = {{"agentview", 0, Pose(), 45}};
    return look;
  }
  void DoPoses(const SimState& state, std::vector<float>* poses) override {
    poses->assign(21, 0);
    for (size_t body = 0; body < 3; ++body) (*poses)[7 * body + 3] = 1;
    for (size_t i = 0; i < 3; ++i) (*poses)[14 + i] = static_cast<float>(state.at(i));
  }
  void DoContacts(std::vector<float>* places) override { *places = {1, 2, 3}; }

  std::string cube_;
};

}  // namespace understudy::view_test
