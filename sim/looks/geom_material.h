#pragma once

#include "sim/looks/look.h"

namespace understudy {

// Materials of geoms.
template <>
class Look<GeomMaterialEdit> {
 public:
  static void AddInventory(const mjModel& model, SceneInventory* inventory);
  static void Check(const mjModel& nominal, const GeomMaterialEdit& edit);
  void Restore(const mjModel& nominal, mjModel* varied);
  void Apply(const GeomMaterialEdit& edit, mjModel* varied);
};

}  // namespace understudy
