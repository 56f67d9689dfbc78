#pragma once

#include "sim/looks/look.h"

namespace understudy {

// Colour, shine, reflection and glow of materials. MuJoCo shows no specular light on textured
// materials: there, only colour, reflectance and emission are seen.
template <>
class Look<MaterialEdit> {
 public:
  static void AddInventory(const mjModel& model, SceneInventory* inventory);
  static void Check(const mjModel& nominal, const MaterialEdit& edit);
  void Restore(const mjModel& nominal, mjModel* varied);
  void Apply(const MaterialEdit& edit, mjModel* varied);
};

}  // namespace understudy
