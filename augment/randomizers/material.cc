#include "augment/randomizers/material.h"

#include <algorithm>

namespace understudy {

using Eigen::Vector3d;
using Eigen::Vector4d;

void MaterialRandomizer::Check(PlanCheck& check) const {
  check.Match("materials", materials, NamesOf(check.scene.materials));
}

void MaterialRandomizer::Draw(PlanDraw& draw) const {
  for (const SceneInventory::Material& material : draw.scene.materials) {
    if (!MatchesAny(materials, material.name)) continue;
    Rng rng = draw.StreamOf(material.name);
    const Vector3d rgb = material.rgba.head<3>();
    Vector3d hsv = RgbToHsv(rgb);
    hsv[0] += Around(rng, hue);
    hsv[1] = std::clamp(hsv[1] + Around(rng, saturation), 0.0, 1.0);
    hsv[2] = std::clamp(hsv[2] + Around(rng, value), 0.0, 1.0);
    MaterialEdit edit{.material = material.name};
    // a zero-width draw must give back the nominal colour to the last bit
    const bool recolour = hue > 0 || saturation > 0 || value > 0;
    const Vector3d drawn = recolour ? Clamp01(HsvToRgb(hsv)) : rgb;
    edit.rgba = Vector4d(drawn[0], drawn[1], drawn[2], material.rgba[3]);
    edit.specular = std::clamp(material.specular + Around(rng, shine), 0.0, 1.0);
    edit.shininess = std::clamp(material.shininess + Around(rng, shine), 0.0, 1.0);
    draw.edits.push_back(edit);
  }
}

MaterialRandomizer MaterialRandomizer::Scaled(double severity) const {
  MaterialRandomizer scaled = *this;
  scaled.hue = std::min(severity * hue, 0.5);
  scaled.saturation = std::min(severity * saturation, 1.0);
  scaled.value = std::min(severity * value, 1.0);
  scaled.shine = std::min(severity * shine, 1.0);
  return scaled;
}

}  // namespace understudy
