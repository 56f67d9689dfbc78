#include "sim/looks/geom_material.h"

#include <algorithm>

namespace understudy {

// Geoms that are drawn.
void Look<GeomMaterialEdit>::AddInventory(const mjModel& model, SceneInventory* inventory) {
  mjvOption option;
  mjv_defaultOption(&option);
  for (int i = 0; i < static_cast<int>(model.ngeom); ++i) {
    const std::string name = NameOf(model, mjOBJ_GEOM, i);
    const int group = std::clamp(model.geom_group[i], 0, mjNGROUP - 1);
    if (name.empty() || !option.geomgroup[group]) continue;
    inventory->geoms.push_back({name, NameOf(model, mjOBJ_BODY, model.geom_bodyid[i]),
                                NameOf(model, mjOBJ_MATERIAL, model.geom_matid[i])});
  }
}

void Look<GeomMaterialEdit>::Check(const mjModel& nominal, const GeomMaterialEdit& edit) {
  FindPart(nominal, mjOBJ_GEOM, "geom", edit.geom);
  FindPart(nominal, mjOBJ_MATERIAL, "material", edit.material);
}

void Look<GeomMaterialEdit>::Restore(const mjModel& nominal, mjModel* varied) {
  CopyNumbers(varied->geom_matid, nominal.geom_matid, nominal.ngeom);
  CopyNumbers(varied->geom_rgba, nominal.geom_rgba, nominal.ngeom * 4);
}

void Look<GeomMaterialEdit>::Apply(const GeomMaterialEdit& edit, mjModel* varied) {
  const int geom = FindPart(*varied, mjOBJ_GEOM, "geom", edit.geom);
  varied->geom_matid[geom] = FindPart(*varied, mjOBJ_MATERIAL, "material", edit.material);
  // a geom's own colour would hide the material's unless it is MuJoCo's default
  float* rgba = varied->geom_rgba + 4 * geom;
  rgba[0] = rgba[1] = rgba[2] = 0.5f;
  rgba[3] = 1;
}

}  // namespace understudy
