// No draw of a camera cuts a solid of the scene open with its near plane.
#include "augment/randomizers/near_plane.h"

#include <gmock/gmock.h>

#include "augment/plan.h"

namespace understudy {
namespace {

using Shape = SceneInventory::Solid::Shape;

const RngKey kCameraKey = RngKey{.seed = 3}.WithStage("augment").WithParent(7).WithVariant(1);

// A camera that looks along P's z, past a box that ends just before its near plane.
SceneInventory::Camera HandCamera() {
  SceneInventory::Camera camera;
  camera.name = "wrist";
  camera.X_PC = Pose(Eigen::Quaterniond(0, 1, 1, 0), {0.05, 0, 0});  // its up is along x
  camera.fovy_deg = 75;
  camera.near = 0.067;
  camera.solids = {{"hand", Shape::kBox, Pose::FromTranslation({0, 0, 0.033}), {0.03, 0.1, 0.033}}};
  return camera;
}

TEST(NearPlane, CutsWhatItLiesIn) {
  const SceneInventory::Camera camera = HandCamera();
  const auto cut = [&](const Eigen::Vector3d& shift) {
    return CutByNearPlane(camera, Pose(camera.X_PC.rotation(), camera.X_PC.translation() + shift),
                          camera.fovy_deg);
  };
  EXPECT_EQ(cut({0, 0, 0}), "");
  EXPECT_EQ(cut({0, 0, 0.02}), "");
  EXPECT_EQ(cut({0, 0, -0.002}), "hand");
  EXPECT_EQ(cut({-0.02, 0, -0.002}), "hand");
  EXPECT_EQ(cut({0.04, 0, -0.002}), "") << "beside it";
}

// Every shape, at the middle of the plane and just outside of it.
TEST(NearPlane, KnowsEveryShape) {
  SceneInventory::Camera camera;  // at the origin, looks along -z
  camera.near = 0.1;
  camera.fovy_deg = 2;  // a plane of some millimetres
  const Pose X_PC, X_far = Pose::FromTranslation({0, 0, 5});
  camera.X_PC = X_far;
  const auto cut = [&](Shape shape, const Eigen::Vector3d& size, const Eigen::Vector3d& p_PS) {
    camera.solids = {{"it", shape, Pose::FromTranslation(p_PS), size}};
    return !CutByNearPlane(camera, X_PC, camera.fovy_deg).empty();
  };
  for (const Shape shape : {Shape::kBox, Shape::kEllipsoid, Shape::kCapsule, Shape::kCylinder}) {
    const Eigen::Vector3d size(0.02, 0.02, 0.03);
    EXPECT_TRUE(cut(shape, size, {0.015, 0, -0.1}));
    EXPECT_FALSE(cut(shape, size, {0.03, 0, -0.1}));
    EXPECT_TRUE(cut(shape, size, {0, 0, -0.125}));
    EXPECT_FALSE(cut(shape, size, {0, 0, -0.155}));
    EXPECT_EQ(cut(shape, size, {0, 0, -0.14}), shape == Shape::kCapsule) << "only it has a cap";
  }
  EXPECT_TRUE(cut(Shape::kHalfSpace, {0, 0, 0}, {0, 0, -0.09}));
  EXPECT_FALSE(cut(Shape::kHalfSpace, {0, 0, 0}, {0, 0, -0.11}));
  // what is cut in the nominal look belongs to it
  camera.X_PC = X_PC;
  EXPECT_FALSE(cut(Shape::kHalfSpace, {0, 0, 0}, {0, 0, -0.09}));
}

TEST(NearPlane, DrawsThatCutAreDrawnAnew) {
  SceneInventory scene, blind;
  scene.cameras = {HandCamera()};
  blind.cameras = scene.cameras;
  blind.cameras[0].solids.clear();
  AugmentPlan plan;
  CameraRandomizer views;
  views.position = 0.02;
  views.rotation = 0.04;
  views.fovy_deg = 2;
  plan.randomizers["views"] = views;
  int changed = 0;
  double least = 1, most = -1;
  for (uint64_t v = 0; v < 300; ++v) {
    const RngKey key = kCameraKey.WithVariant(v);
    const SceneVariation drawn = Draw(plan, scene, key), first = Draw(plan, blind, key);
    const auto& edit = std::get<CameraEdit>(drawn.edits.at(0));
    EXPECT_EQ(CutByNearPlane(scene.cameras[0], edit.X_PC, edit.fovy_deg), "");
    // a first draw that cuts nothing stays
    const auto& old = std::get<CameraEdit>(first.edits.at(0));
    const bool fine = CutByNearPlane(scene.cameras[0], old.X_PC, old.fovy_deg).empty();
    EXPECT_EQ(ToJson(drawn) == ToJson(first), fine);
    changed += !fine;
    const Eigen::Vector3d shift = edit.X_PC.translation() - scene.cameras[0].X_PC.translation();
    least = std::min(least, shift.x());
    most = std::max(most, shift.x());
  }
  EXPECT_GT(changed, 50);
  EXPECT_LT(changed, 250);
  EXPECT_LT(least, -0.015) << "the rest of the range is still drawn";
  EXPECT_GT(most, 0.015);
}

TEST(NearPlane, ImpossiblePlansSaySo) {
  SceneInventory scene;
  scene.cameras = {HandCamera()};
  // nothing of it is cut from where the camera nominally is, everything from where it is drawn
  scene.cameras[0].solids = {
      {"shell", Shape::kBox, Pose::FromTranslation({0.05, 0, 1.067}), {2, 2, 0.999999999}},
      {"shell below", Shape::kBox, Pose::FromTranslation({0.05, 0, -0.933}), {2, 2, 0.999999999}}};
  AugmentPlan plan;
  CameraRandomizer views;
  views.position = 0.02;
  plan.randomizers["views"] = views;
  try {
    Draw(plan, scene, kCameraKey);
    FAIL() << "there is no such draw";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
    EXPECT_THAT(error.what(), testing::HasSubstr("randomizers.views"));
    EXPECT_THAT(error.what(), testing::HasSubstr("camera 'wrist'"));
    EXPECT_THAT(error.what(), testing::HasSubstr("make position and rotation smaller"));
  }
}

}  // namespace
}  // namespace understudy
