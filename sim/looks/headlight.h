#pragma once

#include "sim/looks/look.h"

namespace understudy {

// The light that every camera carries.
template <>
class Look<HeadlightEdit> {
 public:
  static void AddInventory(const mjModel& model, SceneInventory* inventory);
  static void Check(const mjModel& nominal, const HeadlightEdit& edit);
  void Restore(const mjModel& nominal, mjModel* varied);
  void Apply(const HeadlightEdit& edit, mjModel* varied);
};

}  // namespace understudy
