#include "augment/randomizers/material_swap.h"

#include <algorithm>

namespace understudy {

void MaterialSwapRandomizer::Check(PlanCheck& check) const {
  check.Match("geoms", geoms, NamesOf(check.scene.geoms));
  check.Match("materials", materials, NamesOf(check.scene.materials));
}

void MaterialSwapRandomizer::Draw(PlanDraw& draw) const {
  std::vector<std::string> choices;
  for (const SceneInventory::Material& material : draw.scene.materials) {
    if (MatchesAny(materials, material.name)) choices.push_back(material.name);
  }
  for (const SceneInventory::Geom& geom : draw.scene.geoms) {
    if (!MatchesAny(geoms, geom.name) || choices.empty()) continue;
    Rng rng = draw.StreamOf(geom.name);
    if (rng.Uniform() >= probability) continue;
    draw.edits.push_back(GeomMaterialEdit{geom.name, choices[rng.UniformInt(choices.size())]});
  }
}

MaterialSwapRandomizer MaterialSwapRandomizer::Scaled(double severity) const {
  MaterialSwapRandomizer scaled = *this;
  scaled.probability = std::min(severity * probability, 1.0);
  return scaled;
}

}  // namespace understudy
