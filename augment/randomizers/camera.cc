#include "augment/randomizers/camera.h"

#include <fmt/format.h>

#include <algorithm>

#include "augment/randomizers/near_plane.h"
#include "core/base/error.h"

namespace understudy {

using Eigen::Vector3d;

namespace {
constexpr int kDraws = 1000;  // of one camera until the plan counts as impossible
}  // namespace

void CameraRandomizer::Check(PlanCheck& check) const {
  check.Match("cameras", cameras, NamesOf(check.scene.cameras));
  if (position_beyond > 0 && position_beyond >= position) {
    check.Complain("position_beyond",
                   fmt::format("{} m must be less than position, {} m", position_beyond, position));
  }
}

void CameraRandomizer::Draw(PlanDraw& draw) const {
  for (const SceneInventory::Camera& camera : draw.scene.cameras) {
    if (!MatchesAny(cameras, camera.name)) continue;
    Rng rng = draw.StreamOf(camera.name);
    CameraEdit edit{.camera = camera.name};
    // redraw, with the stream's next numbers, until no solid is cut open
    for (int draws = 1;; ++draws) {
      Vector3d shift = InBox(rng, position);
      for (int tries = 0; position_beyond > 0 && shift.cwiseAbs().maxCoeff() < position_beyond;
           ++tries) {
        // a rim so thin that chance does not find it
        Require(tries < 100000, "position_beyond lies well below position");
        shift = InBox(rng, position);
      }
      const Vector3d axis = RandomAxis(rng);
      const double angle = rng.Uniform(0, rotation);
      // turned about its own centre, so that the view stays on the scene
      edit.X_PC = Pose(camera.X_PC.rotation() * RotationExp(angle * axis),
                       camera.X_PC.translation() + shift);
      edit.fovy_deg = std::clamp(camera.fovy_deg + Around(rng, fovy_deg), 5.0, 150.0);
      const std::string cut = CutByNearPlane(camera, edit.X_PC, edit.fovy_deg);
      if (cut.empty()) break;
      if (draws == kDraws) {
        ThrowBadInput(fmt::format(
            "randomizers.{}: none of {} draws keeps the near plane of camera '{}' ({:.3f} m ahead "
            "of it) out of {}: make position and rotation smaller, or move the camera",
            draw.name, kDraws, camera.name, camera.near, cut));
      }
    }
    draw.edits.push_back(edit);
  }
}

CameraRandomizer CameraRandomizer::Scaled(double severity) const {
  CameraRandomizer scaled = *this;
  scaled.position = std::min(severity * position, 2.0);
  scaled.position_beyond = std::min(severity * position_beyond, scaled.position);
  scaled.rotation = std::min(severity * rotation, 3.2);
  scaled.fovy_deg = std::min(severity * fovy_deg, 60.0);
  return scaled;
}

}  // namespace understudy
