#include "augment/randomizers/sky.h"

#include <algorithm>

namespace understudy {

void SkyRandomizer::Check(PlanCheck& check) const {
  check.Match("hides", hides, NamesOf(check.scene.geoms));
  check.Range("exposure", exposure);
  check.Pictures(images, images_hash, found);
}

void SkyRandomizer::Draw(PlanDraw& draw) const {
  if (found.choices.empty()) return;
  Rng rng = draw.StreamOf("sky");
  if (rng.Uniform() >= probability) return;
  SkyEdit edit;
  edit.image = found.choices[rng.UniformInt(found.choices.size())].load();
  edit.yaw = Around(rng, yaw);
  edit.exposure = In(rng, exposure);
  for (const SceneInventory::Geom& geom : draw.scene.geoms) {
    if (MatchesAny(hides, geom.name)) edit.hidden.push_back(geom.name);
  }
  draw.edits.push_back(edit);
}

// Surroundings are other ones or none: so much oftener.
SkyRandomizer SkyRandomizer::Scaled(double severity) const {
  SkyRandomizer scaled = *this;
  scaled.probability = std::min(severity * probability, 1.0);
  return scaled;
}

}  // namespace understudy
