#pragma once

#include <set>
#include <vector>

#include "sim/looks/look.h"

namespace understudy {

// Pixels of textures.
template <>
class Look<TextureEdit> {
 public:
  static void AddInventory(const mjModel& model, SceneInventory* inventory);
  static void Check(const mjModel& nominal, const TextureEdit& edit);
  void Restore(const mjModel& nominal, mjModel* varied);
  void Apply(const TextureEdit& edit, mjModel* varied);

  // Ids of textures whose pixels changed since the last call, to be uploaded again.
  std::vector<int> TakeChanged();

 private:
  std::set<int> painted_;  // textures that differ from the nominal ones
  std::set<int> changed_;  // textures not uploaded yet
};

}  // namespace understudy
