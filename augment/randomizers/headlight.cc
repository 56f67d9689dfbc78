#include "augment/randomizers/headlight.h"

namespace understudy {

void HeadlightRandomizer::Check(PlanCheck& check) const {
  check.Range("ambient", ambient);
  check.Range("diffuse", diffuse);
}

void HeadlightRandomizer::Draw(PlanDraw& draw) const {
  Rng rng = draw.StreamOf("headlight");
  HeadlightEdit edit;
  edit.ambient = Clamp01(In(rng, ambient) * draw.scene.headlight_ambient);
  edit.diffuse = Clamp01(In(rng, diffuse) * draw.scene.headlight_diffuse);
  draw.edits.push_back(edit);
}

HeadlightRandomizer HeadlightRandomizer::Scaled(double severity) const {
  HeadlightRandomizer scaled = *this;
  scaled.ambient = Stretched(ambient, severity, 10);
  scaled.diffuse = Stretched(diffuse, severity, 10);
  return scaled;
}

}  // namespace understudy
