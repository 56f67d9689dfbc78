#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/looks/look.h"
#include "sim/looks/texture_room.h"

namespace understudy {

// Pixels of textures.
template <>
class Look<TextureEdit> {
 public:
  static void AddInventory(const mjModel& model, SceneInventory* inventory);
  static void Check(const mjModel& nominal, const TextureEdit& edit);
  void Restore(const mjModel& nominal, mjModel* varied);
  void Apply(const TextureEdit& edit, mjModel* varied);

  // Before the first Apply: where pictures go. It must outlive this.
  void SetRoom(TextureRoom* room) { room_ = room; }

  // Ids of textures whose pixels changed since the last call, to be uploaded again.
  std::vector<int> TakeChanged();

 private:
  // What a texture shows: nothing of the nominal one (""), a picture by its hash, or a pattern by a
  // number that no other has.
  using Shown = std::map<int, std::string>;

  TextureRoom* room_ = nullptr;
  Shown shown_, taken_;  // now; at the last TakeChanged
  Shown held_;           // by hash: the picture that lies in the texture's room
  int64_t patterns_ = 0;
};

}  // namespace understudy
