#pragma once

#include <string>

#include "sim/looks/look.h"
#include "sim/looks/texture_room.h"

namespace understudy {

// The surroundings, and what stands in their way.
template <>
class Look<SkyEdit> {
 public:
  static void AddInventory(const mjModel&, SceneInventory*) {}  // geoms are those of others
  static void Check(const mjModel& nominal, const SkyEdit& edit);
  void Restore(const mjModel& nominal, mjModel* varied);
  void Apply(const SkyEdit& edit, mjModel* varied);

  // Before the first Apply: where the picture goes. It must outlive this.
  void SetRoom(TextureRoom* room) { room_ = room; }
  // Whether a sky is to be drawn, the model's own or another.
  bool shows() const { return !shown_.empty() || room_->sky_is_own(); }
  // Whether its pixels changed since the last call.
  bool TakeChanged();

 private:
  TextureRoom* room_ = nullptr;
  std::string shown_, taken_, held_;  // as of Look<TextureEdit>
};

}  // namespace understudy
