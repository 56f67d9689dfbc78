// What a renderer knows beside colours, held to rays; and pictures of other worlds.
#include <gmock/gmock.h>
#include <mujoco/mujoco.h>

#include <cmath>
#include <numbers>
#include <set>

#include "core/seam/renderer.h"
#include "sim/probe.h"
#include "tests/sim/sim_fixture.h"

namespace understudy {
namespace {

class MapsTest : public SimTest {
 protected:
  void SetUp() override {
    SimTest::SetUp();
    const RenderProbe probe = ProbeRenderer();
    if (!probe.renderer) GTEST_SKIP() << "no EGL on this machine: " << probe.problem;
    renderer_ = MakeRenderer(scene_);
    const auto simulator = MakeSimulator(scene_);
    simulator->Reset("D0", RngKey{3});
    state_ = simulator->Save();
  }
  Image Show(const std::string& camera = "agentview") {
    std::vector<Image> images;
    renderer_->Render(state_, {camera}, 96, 96, &images);
    return images[0];
  }
  PixelMaps Maps(const std::string& camera, int width, int height) {
    std::vector<PixelMaps> maps;
    renderer_->RenderMaps(state_, {camera}, width, height, &maps);
    return maps[0];
  }

  std::shared_ptr<const Scene> scene_ = StackScene();
  std::unique_ptr<Renderer> renderer_;
  SimState state_;
};

// A ray through the middle of a pixel meets the shape that the pixel names, as far away as it says.
TEST_F(MapsTest, DepthAndShapesAreThoseOfRays) {
  const mjModel* model = scene_->model();
  const std::unique_ptr<mjData, MujocoDeleter> data(mj_makeData(model));
  mj_setState(model, data.get(), state_.data(), mjSTATE_INTEGRATION);
  mj_forward(model, data.get());
  constexpr int kWidth = 120, kHeight = 90;
  const mjtByte groups[mjNGROUP] = {1, 1, 1, 0, 0, 0};
  for (const char* camera : {"agentview", "frontview", "robot0_eye_in_hand"}) {
    const PixelMaps maps = Maps(camera, kWidth, kHeight);
    ASSERT_EQ(maps.depth.size(), static_cast<size_t>(kWidth * kHeight));
    const CameraParameters seen = renderer_->Parameters(camera);
    const double high = std::tan(seen.fovy_deg * std::numbers::pi / 360);
    const double near = model->vis.map.znear * model->stat.extent;
    int compared = 0, same = 0;
    double worst = 0;
    for (int y = 1; y < kHeight - 1; y += 2) {
      for (int x = 1; x < kWidth - 1; x += 2) {
        const size_t at = static_cast<size_t>(y * kWidth + x);
        // edges belong to either side
        bool inside = true;
        for (const int step : {-1, 1, -kWidth, kWidth}) {
          inside &= maps.shape[at + static_cast<size_t>(step)] == maps.shape[at];
        }
        if (!inside) continue;
        Eigen::Vector3d v_C((2 * (x + 0.5) / kWidth - 1) * high * kWidth / kHeight,
                            (1 - 2 * (y + 0.5) / kHeight) * high, -1);
        const double length = v_C.norm();
        const Eigen::Vector3d v_W = seen.X_WC.rotation() * v_C;
        // nothing nearer than the near plane is drawn
        const Eigen::Vector3d from = seen.X_WC.translation() + near * v_W;
        const Eigen::Vector3d ray = v_W / length;
        int geom = -1;
        Eigen::Vector3d normal = Eigen::Vector3d::Zero();
        const double distance =
            mj_ray(model, data.get(), from.data(), ray.data(), groups, 1, -1, &geom, normal.data());
        // pictures show no shape from inside
        if (geom >= 0 && normal.dot(ray) > 0) continue;
        ++compared;
        if (geom != maps.shape[at]) continue;
        ++same;
        if (geom < 0) {
          EXPECT_TRUE(std::isinf(maps.depth[at]));
          continue;
        }
        const int type = model->geom_type[geom];
        if (type != mjGEOM_BOX && type != mjGEOM_PLANE) continue;  // round ones have flat faces
        worst = std::max(worst, std::abs(near + distance / length - maps.depth[at]));
      }
    }
    EXPECT_GT(compared, 1000) << camera;
    EXPECT_GT(same, 0.99 * compared) << camera;
    EXPECT_LT(worst, 0.002) << camera << ": m";
  }
}

TEST_F(MapsTest, InstancesAreObjectsAndArms) {
  const std::vector<ShownShape>& shapes = renderer_->shapes();
  ASSERT_EQ(static_cast<int>(shapes.size()), scene_->model()->ngeom);
  std::set<std::string> seen;
  for (const int32_t shape : Maps("agentview", 200, 200).shape) {
    if (shape >= 0) seen.insert(shapes[static_cast<size_t>(shape)].instance);
  }
  EXPECT_THAT(seen, testing::IsSupersetOf({"cubeA", "cubeB", "robot0", "table"}));
}

// Maps do not depend on looks, samples or what was drawn before, and leave no trace in pictures.
TEST_F(MapsTest, MapsAreExactAndLeaveNoTrace) {
  const Image before = Show();
  const PixelMaps maps = Maps("agentview", 96, 96);
  EXPECT_EQ(Show(), before);
  EXPECT_EQ(Maps("agentview", 96, 96), maps);
  SceneVariation dark;
  for (const auto& light : renderer_->inventory().lights) {
    LightEdit edit{.light = light.name};
    edit.active = false;
    dark.edits.push_back(edit);
  }
  renderer_->SetVariation(dark);
  EXPECT_NE(Show(), before);
  EXPECT_EQ(Maps("agentview", 96, 96), maps);
  const auto smooth = MakeRenderer(scene_, {.shadows = true, .samples = 4});
  std::vector<PixelMaps> same;
  smooth->RenderMaps(state_, {"agentview"}, 96, 96, &same);
  EXPECT_EQ(same[0], maps);
  std::vector<Image> images;
  smooth->Render(state_, {"agentview"}, 96, 96, &images);
  EXPECT_NE(images[0], before) << "smooth pictures stay smooth";
}

// ---- other worlds ------------------------------------------------------------------------------

int32_t PixelsOf(const PixelMaps& maps, const std::vector<ShownShape>& shapes,
                 const std::string& instance) {
  return static_cast<int32_t>(
      std::count_if(maps.shape.begin(), maps.shape.end(), [&](int32_t shape) {
        return shape >= 0 && shapes[static_cast<size_t>(shape)].instance == instance;
      }));
}

TEST_F(MapsTest, WorldsAreShownAndLeaveNoTrace) {
  // with a painted table, which is to be found again on the way there and back
  SceneVariation painted;
  painted.edits.push_back(TextureEdit{.texture = "table_wood",
                                      .pattern = TexturePattern::kChecker,
                                      .rgb1 = {0.9, 0.1, 0.9},
                                      .rgb2 = {0.1, 0.9, 0.1}});
  const Image nominal = Show();
  const int32_t cube = PixelsOf(Maps("agentview", 96, 96), renderer_->shapes(), "cubeB");
  renderer_->SetVariation(painted);
  const Image checkers = Show();
  ASSERT_NE(checkers, nominal);

  PhysicsVariation large;
  large.edits.push_back(ObjectSizeEdit{"cubeB", 1.5});
  renderer_->SetWorld(large);
  const Image large_on_checkers = Show();
  EXPECT_NE(large_on_checkers, checkers);
  EXPECT_GT(PixelsOf(Maps("agentview", 96, 96), renderer_->shapes(), "cubeB"), 1.6 * cube);
  // the same in a renderer that has seen nothing else
  const auto fresh = MakeRenderer(scene_);
  fresh->SetWorld(large);
  fresh->SetVariation(painted);
  std::vector<Image> images;
  fresh->Render(state_, {"agentview"}, 96, 96, &images);
  EXPECT_EQ(images[0], large_on_checkers);

  renderer_->SetWorld({});
  EXPECT_EQ(Show(), checkers);
  renderer_->SetVariation({});
  EXPECT_EQ(Show(), nominal);
  renderer_->SetWorld(large);
  renderer_->SetWorld({});
  EXPECT_EQ(Show(), nominal);
}

// What pages draw on their own is of the world too.
TEST_F(MapsTest, ViewsAreOfTheWorld) {
  const auto view = MakeSceneView(scene_);
  const auto size_of = [&] {
    for (const SceneShape& shape : view->Look().shapes) {
      if (shape.name == "cubeB") return shape.size[0];
    }
    return 0.0f;
  };
  const float nominal = size_of();
  PhysicsVariation large;
  large.edits.push_back(ObjectSizeEdit{"cubeB", 1.5});
  view->SetWorld(large);
  EXPECT_NEAR(size_of(), 1.5 * nominal, 1e-6);
  view->SetWorld({});
  EXPECT_EQ(size_of(), nominal);
}

}  // namespace
}  // namespace understudy
