// What pages are told of a scene, beside what the simulator says.
#include <gmock/gmock.h>

#include "sim/looks/model_look.h"
#include "sim_fixture.h"

namespace understudy {
namespace {

Pose PoseAt(const std::vector<float>& poses, size_t body) {
  const float* p = poses.data() + 7 * body;
  return Pose(Eigen::Quaterniond(p[3], p[4], p[5], p[6]), {p[0], p[1], p[2]});
}

std::shared_ptr<const Scene> SceneOf(const std::string& task) {
  return task == "stack" ? StackScene() : CompileTask(LoadTaskSpec(task, kTaskRoot));
}

class SceneViewOfTask : public testing::TestWithParam<std::string> {};

TEST_P(SceneViewOfTask, BodiesAreWhereTheSimulatorSaysTheyAre) {
  const auto scene = SceneOf(GetParam());
  const std::unique_ptr<Simulator> simulator = MakeSimulator(scene);
  const std::unique_ptr<SceneView> view = MakeSceneView(scene);
  const SceneLook look = view->Look();
  const SimulatorInfo& info = simulator->info();
  ASSERT_EQ(look.parents.size(), look.bodies.size());
  ASSERT_EQ(look.hands.size(), info.arms.size());
  EXPECT_FALSE(look.lights.empty());
  for (const std::string& camera : info.cameras) {
    EXPECT_TRUE(std::any_of(look.cameras.begin(), look.cameras.end(), [&](const SceneCamera& one) {
      return one.name == camera;
    })) << camera;
  }
  std::vector<float> poses;
  for (uint64_t seed = 0; seed < 3; ++seed) {
    simulator->Reset("D0", RngKey{.seed = seed});
    const Observation seen = simulator->Observe();
    const SimState whole = simulator->Save();
    const SimState flat(whole.begin(),
                        whole.begin() + static_cast<std::ptrdiff_t>(info.flat_state_size));
    view->Poses(whole, &poses);
    ASSERT_EQ(poses.size(), 7 * look.bodies.size());
    for (size_t arm = 0; arm < info.arms.size(); ++arm) {
      const Pose X_WE =
          PoseAt(poses, static_cast<size_t>(look.hands[arm].body)) * look.hands[arm].X_BE;
      EXPECT_LT((X_WE.translation() - seen.arms[arm].X_WE.translation()).norm(), 1e-6);
      EXPECT_LT(X_WE.rotation().angularDistance(seen.arms[arm].X_WE.rotation()), 1e-6);
    }
    for (size_t object = 0; object < info.objects.size(); ++object) {
      const auto found =
          std::find_if(look.bodies.begin(), look.bodies.end(), [&](const std::string& body) {
            return body == scene->task().objects.at(info.objects[object]).body;
          });
      ASSERT_NE(found, look.bodies.end()) << info.objects[object];
      const Pose X_WO = PoseAt(poses, static_cast<size_t>(found - look.bodies.begin()));
      EXPECT_LT((X_WO.translation() - seen.X_WO[object].translation()).norm(), 1e-6);
    }
    // states of other programs' files show the same, but for what has no joint
    std::vector<float> from_flat;
    view->Poses(flat, &from_flat);
    EXPECT_EQ(from_flat.size(), poses.size());
  }
  // what has come to rest touches what it lies on
  Action still;
  for (const ArmObservation& arm : simulator->Observe().arms) {
    still.arms.push_back({arm.X_WE, -1, {}});
  }
  for (int i = 0; i < 20; ++i) simulator->Step(still);
  view->Poses(simulator->Save(), &poses);
  std::vector<float> contacts;
  view->Contacts(&contacts);
  EXPECT_EQ(contacts.size() % 3, 0u);
  EXPECT_GT(contacts.size(), 0u);
}

TEST_P(SceneViewOfTask, ShapesAreWhole) {
  const SceneLook look = MakeSceneView(SceneOf(GetParam()))->Look();
  const auto within = [](int index, size_t count) {
    return index >= -1 && index < static_cast<int>(count);
  };
  for (const SceneShape& shape : look.shapes) {
    EXPECT_TRUE(within(shape.body, look.bodies.size()) && shape.body >= 0) << shape.name;
    EXPECT_TRUE(within(shape.mesh, look.meshes.size())) << shape.name;
    EXPECT_EQ(shape.mesh >= 0, shape.kind == SceneShapeKind::kMesh) << shape.name;
    EXPECT_TRUE(within(shape.picture, look.pictures.size())) << shape.name;
    EXPECT_GT(shape.rgba[3], 0) << shape.name << ": nobody sees it";
  }
  for (const SceneMesh& mesh : look.meshes) {
    EXPECT_EQ(mesh.positions.size() % 9, 0u);
    EXPECT_EQ(mesh.normals.size(), mesh.positions.size());
    for (size_t i = 0; i + 2 < mesh.normals.size(); i += 3) {
      EXPECT_NEAR(Eigen::Vector3f(mesh.normals.data() + i).norm(), 1, 1e-3);
    }
  }
  for (const ScenePicture& picture : look.pictures) {
    EXPECT_EQ(picture.rgb.size(), 3u * static_cast<size_t>(picture.width * picture.height));
  }
}

INSTANTIATE_TEST_SUITE_P(Listed, SceneViewOfTask, testing::ValuesIn(ListedTasks()));

// A drawn look changes what it names, and leaves no trace.
TEST(SceneView, LooksAreDrawnFromTheNominalScene) {
  const auto scene = SceneOf("stack");
  const std::unique_ptr<SceneView> view = MakeSceneView(scene);
  const SceneLook nominal = view->Look();
  const SceneInventory inventory = MakeInventory(*scene->model());
  ASSERT_FALSE(inventory.lights.empty());
  LightEdit light;
  light.light = inventory.lights[0].name;
  light.position = Eigen::Vector3d(1, 2, 3);
  light.diffuse = Eigen::Vector3d(0.25, 0.5, 0.75);
  SceneVariation variation;
  variation.edits.push_back(light);
  const SceneLook varied = view->Look(variation);
  ASSERT_EQ(varied.lights.size(), nominal.lights.size());
  EXPECT_THAT(varied.lights[0].p_BL, testing::ElementsAre(1, 2, 3));
  EXPECT_THAT(varied.lights[0].diffuse, testing::ElementsAre(0.25f, 0.5f, 0.75f));
  EXPECT_NE(nominal.lights[0].p_BL, varied.lights[0].p_BL);
  const SceneLook again = view->Look();
  EXPECT_EQ(again.lights[0].p_BL, nominal.lights[0].p_BL);
  EXPECT_EQ(again.lights[0].diffuse, nominal.lights[0].diffuse);
}

}  // namespace
}  // namespace understudy
