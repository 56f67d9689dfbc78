#include "sim/looks/headlight.h"

namespace understudy {

void Look<HeadlightEdit>::AddInventory(const mjModel& model, SceneInventory* inventory) {
  inventory->headlight_ambient = Vector(model.vis.headlight.ambient);
  inventory->headlight_diffuse = Vector(model.vis.headlight.diffuse);
  inventory->headlight_specular = Vector(model.vis.headlight.specular);
}

// there is one, and any colour will do
void Look<HeadlightEdit>::Check(const mjModel&, const HeadlightEdit&) {}

void Look<HeadlightEdit>::Restore(const mjModel& nominal, mjModel* varied) {
  varied->vis.headlight = nominal.vis.headlight;
}

void Look<HeadlightEdit>::Apply(const HeadlightEdit& edit, mjModel* varied) {
  SetVector(edit.ambient, varied->vis.headlight.ambient);
  SetVector(edit.diffuse, varied->vis.headlight.diffuse);
  SetVector(edit.specular, varied->vis.headlight.specular);
}

}  // namespace understudy
