#pragma once

#include "sim/looks/look.h"

namespace understudy {

// Position, direction and field of view of cameras.
template <>
class Look<CameraEdit> {
 public:
  static void AddInventory(const mjModel& model, SceneInventory* inventory);
  static void Check(const mjModel& nominal, const CameraEdit& edit);
  void Restore(const mjModel& nominal, mjModel* varied);
  void Apply(const CameraEdit& edit, mjModel* varied);
};

}  // namespace understudy
