#include "augment/randomizers/light.h"

#include <algorithm>

namespace understudy {

using Eigen::Vector3d;

void LightRandomizer::Check(PlanCheck& check) const {
  check.Match("lights", lights, NamesOf(check.scene.lights));
  check.Range("intensity", intensity);
  check.Range("ambient", ambient);
}

void LightRandomizer::Draw(PlanDraw& draw) const {
  for (const SceneInventory::Light& light : draw.scene.lights) {
    if (!MatchesAny(lights, light.name)) continue;
    Rng rng = draw.StreamOf(light.name);
    LightEdit edit{.light = light.name};
    edit.position = light.position + InBox(rng, position);
    const Vector3d axis = RandomAxis(rng);
    edit.direction = RotationExp(rng.Uniform(0, direction) * axis) * light.direction;
    const Vector3d tinted = Vector3d::Ones() + InBox(rng, tint);
    const double brightness = In(rng, intensity);
    edit.diffuse = Clamp01(brightness * light.diffuse.cwiseProduct(tinted));
    edit.specular = Clamp01(brightness * light.specular.cwiseProduct(tinted));
    edit.ambient = Clamp01(In(rng, ambient) * light.ambient);
    draw.edits.push_back(edit);
  }
}

LightRandomizer LightRandomizer::Scaled(double severity) const {
  LightRandomizer scaled = *this;
  scaled.position = std::min(severity * position, 10.0);
  scaled.direction = std::min(severity * direction, 3.2);
  scaled.intensity = Stretched(intensity, severity, 10);
  scaled.ambient = Stretched(ambient, severity, 10);
  scaled.tint = std::min(severity * tint, 1.0);
  return scaled;
}

}  // namespace understudy
