// Pictures as cameras make them: edits of a look that come after drawing.
#include <gtest/gtest.h>

#include "core/image/camera_effects.h"
#include "sim/scene.h"
#include "tests/sim/sim_fixture.h"

namespace understudy {
namespace {

class PictureTest : public SimTest {
 protected:
  void SetUp() override {
    SimTest::SetUp();
    scene_ = StackScene();
    renderer_ = MakeRenderer(scene_, {});
    simulator_ = MakeSimulator(scene_);
    simulator_->Reset("D0", RngKey{3});
  }
  std::vector<Image> Take(const SimState& state) {
    std::vector<Image> images;
    renderer_->Render(state, cameras_, 64, 48, &images);
    return images;
  }
  PictureEdit Of(const std::string& camera) const { return {.camera = camera}; }

  const std::vector<std::string> cameras_{"agentview", "robot0_eye_in_hand"};
  std::shared_ptr<const Scene> scene_;
  std::unique_ptr<Renderer> renderer_;
  std::unique_ptr<Simulator> simulator_;
};

TEST_F(PictureTest, EditsChangeTheirCameraInTheOrderOfACamera) {
  const SimState state = simulator_->Save();
  const std::vector<Image> plain = Take(state);
  PictureEdit compressed = Of("agentview"), bright = compressed, moved = compressed;
  compressed.jpeg = 20;
  bright.exposure = 0.7;
  bright.white_balance = Eigen::Vector3d(1.1, 1, 0.9);
  moved.motion = Eigen::Vector2d(0.1, 0.05);
  Image wanted = plain[0];
  Expose(0.7, {1.1, 1, 0.9}, &wanted);
  BlurAlong({0.1 * 48, 0.05 * 48}, &wanted);
  CompressAsJpeg(20, &wanted);
  for (const auto& edits : {std::vector<SceneEdit>{compressed, moved, bright},
                            std::vector<SceneEdit>{bright, moved, compressed}}) {
    renderer_->SetVariation({edits});
    const std::vector<Image> images = Take(state);
    EXPECT_EQ(images[0], wanted);
    EXPECT_EQ(images[1], plain[1]) << "the other camera";
  }
  // what is measured stays exact, and the nominal look is the nominal one again
  std::vector<PixelMaps> maps, nominal;
  renderer_->RenderMaps(state, cameras_, 64, 48, &maps);
  renderer_->SetVariation({});
  renderer_->RenderMaps(state, cameras_, 64, 48, &nominal);
  EXPECT_EQ(maps[0].depth, nominal[0].depth);
  EXPECT_EQ(maps[0].shape, nominal[0].shape);
  EXPECT_EQ(Take(state), plain);
}

TEST_F(PictureTest, NoiseIsNewInEveryStepAndTheSameOnReplay) {
  PictureEdit noisy = Of("agentview"), other = Of("robot0_eye_in_hand");
  noisy.noise = other.noise = 0.1;
  noisy.seed = other.seed = 5;
  renderer_->SetVariation({{noisy, other}});
  const SimState first = simulator_->Save();
  SimState later = first;
  later[0] += 0.05;  // the same scene a step later
  const std::vector<Image> a = Take(first), b = Take(later);
  EXPECT_NE(a[0], b[0]);
  EXPECT_EQ(Take(first), a);
  // cameras of one draw have noise of their own
  renderer_->SetVariation({});
  const std::vector<Image> plain = Take(first);
  std::vector<int> noise_a, noise_b;
  for (size_t i = 0; i < plain[0].rgb.size(); ++i) {
    const bool inside = plain[0].rgb[i] > 90 && plain[0].rgb[i] < 165 && plain[1].rgb[i] > 90 &&
                        plain[1].rgb[i] < 165;
    if (!inside) continue;
    noise_a.push_back(a[0].rgb[i] - plain[0].rgb[i]);
    noise_b.push_back(a[1].rgb[i] - plain[1].rgb[i]);
  }
  EXPECT_NE(noise_a, noise_b);
  noisy.seed = 6;
  renderer_->SetVariation({{noisy}});
  EXPECT_NE(Take(first)[0], a[0]);
}

TEST_F(PictureTest, AnUnknownCameraIsNamed) {
  PictureEdit edit = Of("agentveiw");
  edit.jpeg = 50;
  EXPECT_THROW(renderer_->SetVariation({{edit}}), Error);
}

}  // namespace
}  // namespace understudy
