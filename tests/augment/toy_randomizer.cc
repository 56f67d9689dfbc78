#include "tests/augment/toy_randomizer.h"

namespace understudy {

void BlackoutRandomizer::Check(PlanCheck& check) const {
  check.Match("lights", lights, NamesOf(check.scene.lights));
}

void BlackoutRandomizer::Draw(PlanDraw& draw) const {
  for (const SceneInventory::Light& light : draw.scene.lights) {
    if (!MatchesAny(lights, light.name)) continue;
    Rng rng = draw.StreamOf(light.name);
    LightEdit edit{.light = light.name};
    edit.active = rng.Uniform() >= probability;
    draw.edits.push_back(edit);
  }
}

BlackoutRandomizer BlackoutRandomizer::Scaled(double severity) const {
  BlackoutRandomizer scaled = *this;
  scaled.probability = std::min(severity * probability, 1.0);
  return scaled;
}

}  // namespace understudy
