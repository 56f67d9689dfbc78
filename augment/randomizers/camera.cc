#include "augment/randomizers/camera.h"

#include <algorithm>

namespace understudy {

using Eigen::Vector3d;

void CameraRandomizer::Check(PlanCheck& check) const {
  check.Match("cameras", cameras, NamesOf(check.scene.cameras));
}

void CameraRandomizer::Draw(PlanDraw& draw) const {
  for (const SceneInventory::Camera& camera : draw.scene.cameras) {
    if (!MatchesAny(cameras, camera.name)) continue;
    Rng rng = draw.StreamOf(camera.name);
    CameraEdit edit{.camera = camera.name};
    const Vector3d shift = InBox(rng, position);
    const Vector3d axis = RandomAxis(rng);
    const double angle = rng.Uniform(0, rotation);
    // turned about its own centre, so that the view stays on the scene
    edit.X_PC =
        Pose(camera.X_PC.rotation() * RotationExp(angle * axis), camera.X_PC.translation() + shift);
    edit.fovy_deg = std::clamp(camera.fovy_deg + Around(rng, fovy_deg), 5.0, 150.0);
    draw.edits.push_back(edit);
  }
}

}  // namespace understudy
