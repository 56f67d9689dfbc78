#include "sim/looks/light.h"

#include <fmt/format.h>

#include "core/base/error.h"

namespace understudy {

void Look<LightEdit>::AddInventory(const mjModel& model, SceneInventory* inventory) {
  for (int i = 0; i < static_cast<int>(model.nlight); ++i) {
    const std::string name = NameOf(model, mjOBJ_LIGHT, i);
    if (name.empty()) continue;
    inventory->lights.push_back(
        {name, Vector(model.light_pos0 + 3 * i), Vector(model.light_dir0 + 3 * i),
         Vector(model.light_ambient + 3 * i), Vector(model.light_diffuse + 3 * i),
         Vector(model.light_specular + 3 * i)});
    // positions of lights on the world body are already world positions
    if (model.light_bodyid[i] == 0) {
      inventory->lights.back().position = Vector(model.light_pos + 3 * i);
    }
  }
}

void Look<LightEdit>::Check(const mjModel& nominal, const LightEdit& edit) {
  FindPart(nominal, mjOBJ_LIGHT, "light", edit.light);
  const bool pointless = edit.direction && !(edit.direction->norm() > 1e-9);
  if (pointless || (edit.position && !edit.position->allFinite())) {
    ThrowBadInput(
        fmt::format("scene variation: light '{}' needs a finite position and a direction "
                    "other than zero",
                    edit.light));
  }
}

void Look<LightEdit>::Restore(const mjModel& nominal, mjModel* varied) {
  CopyNumbers(varied->light_ambient, nominal.light_ambient, nominal.nlight * 3);
  CopyNumbers(varied->light_diffuse, nominal.light_diffuse, nominal.nlight * 3);
  CopyNumbers(varied->light_specular, nominal.light_specular, nominal.nlight * 3);
  CopyNumbers(varied->light_active, nominal.light_active, nominal.nlight);
  placements_.clear();
}

void Look<LightEdit>::Apply(const LightEdit& edit, mjModel* varied) {
  const int id = FindPart(*varied, mjOBJ_LIGHT, "light", edit.light);
  SetVector(edit.ambient, varied->light_ambient + 3 * id);
  SetVector(edit.diffuse, varied->light_diffuse + 3 * id);
  SetVector(edit.specular, varied->light_specular + 3 * id);
  if (edit.active) varied->light_active[id] = *edit.active;
  Placement& placement = placements_[id];
  if (edit.position) placement.position = edit.position;
  if (edit.direction) placement.direction = edit.direction->normalized();
}

void Look<LightEdit>::Place(mjData* data) const {
  for (const auto& [id, placement] : placements_) {
    SetVector(placement.position, data->light_xpos + 3 * id);
    SetVector(placement.direction, data->light_xdir + 3 * id);
  }
}

}  // namespace understudy
