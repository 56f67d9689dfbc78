#pragma once

#include <mujoco/mujoco.h>

#include <memory>
#include <tuple>
#include <variant>
#include <vector>

#include "core/spec/scene_variation.h"
#include "sim/looks/camera.h"
#include "sim/looks/geom_material.h"
#include "sim/looks/headlight.h"
#include "sim/looks/light.h"
#include "sim/looks/material.h"
#include "sim/looks/picture.h"
#include "sim/looks/sky.h"
#include "sim/looks/texture.h"
#include "sim/looks/texture_room.h"

namespace understudy {

// Everything of `model` that an edit can name, with its values. Parts without a name are left out.
SceneInventory MakeInventory(const mjModel& model);

// Varies the looks of a private copy of a model. Each Apply starts from the nominal model, so that
// no draw leaves a trace. One thread.
class ModelLook {
 public:
  // `nominal` must outlive this and is never written. `varied` is the copy that is drawn.
  ModelLook(const mjModel* nominal, mjModel* varied);

  // Makes `varied` the nominal model with `variation` on top. Throws Error(kBadInput), with nothing
  // changed, if an edit names something unknown or cannot be done.
  void Apply(const SceneVariation& variation);

  // To be called after mj_camlight: see Look<LightEdit>::Place.
  void PlaceLights(mjData* data) const { std::get<Look<LightEdit>>(looks_).Place(data); }

  // What `camera` makes of a picture that is drawn of the state at `time` (s).
  void Develop(const std::string& camera, double time, Image* image) const {
    std::get<Look<PictureEdit>>(looks_).Develop(camera, time, image);
  }

  // Ids of textures whose pixels changed since the last call, to be uploaded again.
  std::vector<int> TakeChangedTextures();

  // The sky may be a texture behind the last: MuJoCo makes and uploads textures within a
  // WithSky(room(), varied).
  const TextureRoom& room() const { return *room_; }
  // Whether one is to be drawn.
  bool shows_sky() const { return std::get<Look<SkyEdit>>(looks_).shows(); }

 private:
  // one for every kind of edit that there is
  template <class>
  struct LooksOf;
  template <class... Edit>
  struct LooksOf<std::variant<Edit...>> {
    using Tuple = std::tuple<Look<Edit>...>;
  };

  const mjModel* nominal_;
  mjModel* varied_;
  std::unique_ptr<TextureRoom> room_;
  std::vector<std::shared_ptr<const Image>> pictures_;  // that are shown
  LooksOf<SceneEdit>::Tuple looks_;
};

}  // namespace understudy
