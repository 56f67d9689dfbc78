#pragma once

#include <map>

#include "sim/looks/look.h"

namespace understudy {

// Lights of the scene.
template <>
class Look<LightEdit> {
 public:
  static void AddInventory(const mjModel& model, SceneInventory* inventory);
  static void Check(const mjModel& nominal, const LightEdit& edit);
  void Restore(const mjModel& nominal, mjModel* varied);
  void Apply(const LightEdit& edit, mjModel* varied);

  // Sets the world positions and directions of edited lights, whatever body they are attached to.
  // Call it after mj_camlight.
  void Place(mjData* data) const;

 private:
  struct Placement {
    std::optional<Eigen::Vector3d> position, direction;  // W
  };
  std::map<int, Placement> placements_;  // by light id
};

}  // namespace understudy
