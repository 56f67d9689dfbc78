#pragma once

#include <mujoco/mujoco.h>

#include <map>
#include <set>
#include <vector>

#include "core/spec/scene_variation.h"

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
  // changed, where an edit names something unknown or cannot be done.
  // MuJoCo's renderer shows no specular light on textured materials: there, only colour,
  // reflectance and emission tell.
  void Apply(const SceneVariation& variation);

  // World positions and directions of edited lights, which hold whatever body a light stands on:
  // to be called after mj_camlight.
  void PlaceLights(mjData* data) const;

  // Ids of textures whose pixels changed since the last call, to be uploaded again.
  std::vector<int> TakeChangedTextures();

 private:
  struct Placement {
    std::optional<Eigen::Vector3d> position, direction;  // W
  };

  // Id of the part; throws Error(kBadInput) naming the nearest where there is none.
  int Find(mjtObj type, const char* kind, const std::string& name) const;
  void Restore();
  void ApplyEdit(const LightEdit& edit);
  void ApplyEdit(const HeadlightEdit& edit);
  void ApplyEdit(const MaterialEdit& edit);
  void ApplyEdit(const GeomMaterialEdit& edit);
  void ApplyEdit(const TextureEdit& edit);
  void ApplyEdit(const CameraEdit& edit);
  void Check(const LightEdit& edit) const;
  void Check(const HeadlightEdit& edit) const;
  void Check(const MaterialEdit& edit) const;
  void Check(const GeomMaterialEdit& edit) const;
  void Check(const TextureEdit& edit) const;
  void Check(const CameraEdit& edit) const;

  const mjModel* nominal_;
  mjModel* varied_;
  std::map<int, Placement> lights_;  // by light id
  std::set<int> painted_;            // textures that differ from nominal
  std::set<int> changed_;            // textures not uploaded yet
};

}  // namespace understudy
