#include "augment/randomizers/picture.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace understudy {

void PictureRandomizer::Check(PlanCheck& check) const {
  check.Match("cameras", cameras, NamesOf(check.scene.cameras));
  check.Range("exposure", exposure);
  check.Range("motion", motion);
  check.Range("noise", noise);
  check.Range("jpeg", jpeg);
}

void PictureRandomizer::Draw(PlanDraw& draw) const {
  for (const SceneInventory::Camera& camera : draw.scene.cameras) {
    if (!MatchesAny(cameras, camera.name)) continue;
    Rng rng = draw.StreamOf(camera.name);
    const double stops = In(rng, exposure);
    const Eigen::Vector3d gains = Eigen::Vector3d::Ones() + InBox(rng, tint);
    const double way = In(rng, motion), direction = rng.Uniform(0, 2 * std::numbers::pi);
    const double deviation = In(rng, noise);
    const uint64_t seed = rng.NextU64() >> 12;  // a whole number in every JSON
    const double quality = std::round(In(rng, jpeg));

    PictureEdit edit{.camera = camera.name};
    if (stops != 0) edit.exposure = stops;
    if (tint > 0) edit.white_balance = gains;
    if (way > 0) edit.motion = way * Eigen::Vector2d(std::cos(direction), std::sin(direction));
    if (deviation > 0) {
      edit.noise = deviation;
      edit.seed = seed;
    }
    if (quality < 100) edit.jpeg = quality;
    if (edit.Changes()) draw.edits.push_back(edit);
  }
}

PictureRandomizer PictureRandomizer::Scaled(double severity) const {
  PictureRandomizer scaled = *this;
  const auto stretch = [&](std::array<double, 2>* range, double nominal, double low, double high) {
    for (double& end : *range) {
      end = std::clamp(nominal + severity * (end - nominal), low, high);
    }
  };
  stretch(&scaled.exposure, 0, -6, 6);
  stretch(&scaled.motion, 0, 0, 0.5);
  stretch(&scaled.noise, 0, 0, 1);
  stretch(&scaled.jpeg, 100, 1, 100);
  scaled.tint = std::min(severity * tint, 1.0);
  return scaled;
}

}  // namespace understudy
