#include "sim/variation.h"

#include <algorithm>
#include <cstring>

#include "core/base/error.h"
#include "sim/variation_texture.h"

namespace understudy {
namespace {

std::string NameOf(const mjModel& model, mjtObj type, int id) {
  const char* name = id < 0 ? nullptr : mj_id2name(&model, type, id);
  return name == nullptr ? "" : name;
}

std::vector<std::string> NamesOf(const mjModel& model, mjtObj type) {
  const auto count = type == mjOBJ_LIGHT      ? model.nlight
                     : type == mjOBJ_MATERIAL ? model.nmat
                     : type == mjOBJ_TEXTURE  ? model.ntex
                     : type == mjOBJ_GEOM     ? model.ngeom
                                              : model.ncam;
  std::vector<std::string> names;
  for (int i = 0; i < static_cast<int>(count); ++i) {
    const std::string name = NameOf(model, type, i);
    if (!name.empty()) names.push_back(name);
  }
  return names;
}

template <class T>
Eigen::Vector3d Vector(const T* values) {
  return {values[0], values[1], values[2]};
}

template <class T>
void Set(const std::optional<Eigen::Vector3d>& value, T* place) {
  if (!value) return;
  for (int i = 0; i < 3; ++i) place[i] = static_cast<T>((*value)[i]);
}

void Set(const std::optional<double>& value, float* place) {
  if (value) *place = static_cast<float>(*value);
}

// One face of a cube texture is a square; a 2D texture is one face.
int FaceHeight(const mjModel& model, int texture) {
  return model.tex_type[texture] == mjTEXTURE_2D ? model.tex_height[texture]
                                                 : model.tex_width[texture];
}

size_t TextureBytes(const mjModel& model, int texture) {
  return static_cast<size_t>(model.tex_height[texture]) * model.tex_width[texture] *
         model.tex_nchannel[texture];
}

bool Paintable(const mjModel& model, int texture) {
  return model.tex_nchannel[texture] == 1 || model.tex_nchannel[texture] == 3 ||
         model.tex_nchannel[texture] == 4;
}

}  // namespace

SceneInventory MakeInventory(const mjModel& model) {
  SceneInventory inventory;

  // lights
  for (int i = 0; i < static_cast<int>(model.nlight); ++i) {
    const std::string name = NameOf(model, mjOBJ_LIGHT, i);
    if (name.empty()) continue;
    inventory.lights.push_back(
        {name, Vector(model.light_pos0 + 3 * i), Vector(model.light_dir0 + 3 * i),
         Vector(model.light_ambient + 3 * i), Vector(model.light_diffuse + 3 * i),
         Vector(model.light_specular + 3 * i)});
    // positions of lights on the world body are already world positions
    if (model.light_bodyid[i] == 0) {
      inventory.lights.back().position = Vector(model.light_pos + 3 * i);
    }
  }
  inventory.headlight_ambient = Vector(model.vis.headlight.ambient);
  inventory.headlight_diffuse = Vector(model.vis.headlight.diffuse);
  inventory.headlight_specular = Vector(model.vis.headlight.specular);

  // materials and textures
  for (int i = 0; i < static_cast<int>(model.nmat); ++i) {
    const std::string name = NameOf(model, mjOBJ_MATERIAL, i);
    if (name.empty()) continue;
    const float* rgba = model.mat_rgba + 4 * i;
    const int texture = model.mat_texid[i * mjNTEXROLE + mjTEXROLE_RGB];
    inventory.materials.push_back({name,
                                   {rgba[0], rgba[1], rgba[2], rgba[3]},
                                   model.mat_specular[i],
                                   model.mat_shininess[i],
                                   model.mat_reflectance[i],
                                   model.mat_emission[i],
                                   NameOf(model, mjOBJ_TEXTURE, texture)});
  }
  for (int i = 0; i < static_cast<int>(model.ntex); ++i) {
    const std::string name = NameOf(model, mjOBJ_TEXTURE, i);
    const bool flat = model.tex_type[i] == mjTEXTURE_2D;
    if (!name.empty() && flat && Paintable(model, i)) inventory.textures.push_back(name);
  }

  // geoms that are drawn
  mjvOption option;
  mjv_defaultOption(&option);
  for (int i = 0; i < static_cast<int>(model.ngeom); ++i) {
    const std::string name = NameOf(model, mjOBJ_GEOM, i);
    const int group = std::clamp(model.geom_group[i], 0, mjNGROUP - 1);
    if (name.empty() || !option.geomgroup[group]) continue;
    inventory.geoms.push_back({name, NameOf(model, mjOBJ_BODY, model.geom_bodyid[i]),
                               NameOf(model, mjOBJ_MATERIAL, model.geom_matid[i])});
  }

  // cameras
  for (int i = 0; i < static_cast<int>(model.ncam); ++i) {
    const std::string name = NameOf(model, mjOBJ_CAMERA, i);
    if (name.empty()) continue;
    const mjtNum* q = model.cam_quat + 4 * i;
    const Pose X_PC(Eigen::Quaterniond(q[0], q[1], q[2], q[3]), Vector(model.cam_pos + 3 * i));
    const bool moves = model.body_weldid[model.cam_bodyid[i]] != 0;
    inventory.cameras.push_back({name, X_PC, model.cam_fovy[i], moves});
  }
  return inventory;
}

ModelLook::ModelLook(const mjModel* nominal, mjModel* varied) : nominal_(nominal), varied_(varied) {
  Require(nominal != nullptr && varied != nullptr && nominal != varied &&
              nominal->nmat == varied->nmat && nominal->ntexdata == varied->ntexdata,
          "a look is a copy of its nominal model");
}

int ModelLook::Find(mjtObj type, const char* kind, const std::string& name) const {
  const int id = mj_name2id(nominal_, type, name.c_str());
  if (id < 0) {
    ThrowBadInput("scene variation: " + UnknownName(kind, name, NamesOf(*nominal_, type)));
  }
  return id;
}

void ModelLook::Apply(const SceneVariation& variation) {
  // nothing is changed unless all can be
  for (const SceneEdit& edit : variation.edits) {
    std::visit([this](const auto& one) { Check(one); }, edit);
  }
  Restore();
  for (const SceneEdit& edit : variation.edits) {
    std::visit([this](const auto& one) { ApplyEdit(one); }, edit);
  }
}

void ModelLook::Restore() {
  const mjModel& from = *nominal_;
  mjModel& to = *varied_;
  const auto copy = [](auto* target, const auto* source, size_t count) {
    std::memcpy(target, source, count * sizeof(*target));
  };
  const auto lights = static_cast<size_t>(from.nlight), materials = static_cast<size_t>(from.nmat);
  const auto geoms = static_cast<size_t>(from.ngeom), cameras = static_cast<size_t>(from.ncam);

  // lights
  copy(to.light_ambient, from.light_ambient, lights * 3);
  copy(to.light_diffuse, from.light_diffuse, lights * 3);
  copy(to.light_specular, from.light_specular, lights * 3);
  copy(to.light_active, from.light_active, lights);
  to.vis.headlight = from.vis.headlight;
  lights_.clear();

  // materials and who wears them
  copy(to.mat_rgba, from.mat_rgba, materials * 4);
  copy(to.mat_specular, from.mat_specular, materials);
  copy(to.mat_shininess, from.mat_shininess, materials);
  copy(to.mat_reflectance, from.mat_reflectance, materials);
  copy(to.mat_emission, from.mat_emission, materials);
  copy(to.geom_matid, from.geom_matid, geoms);
  copy(to.geom_rgba, from.geom_rgba, geoms * 4);

  // textures that were painted
  for (const int texture : painted_) {
    copy(to.tex_data + to.tex_adr[texture], from.tex_data + from.tex_adr[texture],
         TextureBytes(from, texture));
    changed_.insert(texture);
  }
  painted_.clear();

  // cameras
  copy(to.cam_pos, from.cam_pos, cameras * 3);
  copy(to.cam_quat, from.cam_quat, cameras * 4);
  copy(to.cam_fovy, from.cam_fovy, cameras);
  copy(to.cam_sensorsize, from.cam_sensorsize, cameras * 2);
}

void ModelLook::Check(const LightEdit& edit) const {
  Find(mjOBJ_LIGHT, "light", edit.light);
  const bool pointless = edit.direction && !(edit.direction->norm() > 1e-9);
  if (pointless || (edit.position && !edit.position->allFinite())) {
    ThrowBadInput(
        fmt::format("scene variation: light '{}' needs a finite position and a direction "
                    "other than zero",
                    edit.light));
  }
}

void ModelLook::ApplyEdit(const LightEdit& edit) {
  const int id = Find(mjOBJ_LIGHT, "light", edit.light);
  Set(edit.ambient, varied_->light_ambient + 3 * id);
  Set(edit.diffuse, varied_->light_diffuse + 3 * id);
  Set(edit.specular, varied_->light_specular + 3 * id);
  if (edit.active) varied_->light_active[id] = *edit.active;
  Placement& placement = lights_[id];
  if (edit.position) placement.position = edit.position;
  if (edit.direction) placement.direction = edit.direction->normalized();
}

void ModelLook::Check(const HeadlightEdit&) const {}

void ModelLook::ApplyEdit(const HeadlightEdit& edit) {
  Set(edit.ambient, varied_->vis.headlight.ambient);
  Set(edit.diffuse, varied_->vis.headlight.diffuse);
  Set(edit.specular, varied_->vis.headlight.specular);
}

void ModelLook::Check(const MaterialEdit& edit) const {
  Find(mjOBJ_MATERIAL, "material", edit.material);
}

void ModelLook::ApplyEdit(const MaterialEdit& edit) {
  const int id = Find(mjOBJ_MATERIAL, "material", edit.material);
  if (edit.rgba) {
    for (int i = 0; i < 4; ++i) {
      varied_->mat_rgba[4 * id + i] = static_cast<float>((*edit.rgba)[i]);
    }
  }
  Set(edit.specular, varied_->mat_specular + id);
  Set(edit.shininess, varied_->mat_shininess + id);
  Set(edit.reflectance, varied_->mat_reflectance + id);
  Set(edit.emission, varied_->mat_emission + id);
}

void ModelLook::Check(const GeomMaterialEdit& edit) const {
  Find(mjOBJ_GEOM, "geom", edit.geom);
  Find(mjOBJ_MATERIAL, "material", edit.material);
}

void ModelLook::ApplyEdit(const GeomMaterialEdit& edit) {
  const int geom = Find(mjOBJ_GEOM, "geom", edit.geom);
  varied_->geom_matid[geom] = Find(mjOBJ_MATERIAL, "material", edit.material);
  // a geom's own colour would hide the material's unless it is MuJoCo's default
  float* rgba = varied_->geom_rgba + 4 * geom;
  rgba[0] = rgba[1] = rgba[2] = 0.5f;
  rgba[3] = 1;
}

void ModelLook::Check(const TextureEdit& edit) const {
  const int id = Find(mjOBJ_TEXTURE, "texture", edit.texture);
  if (!Paintable(*nominal_, id)) {
    ThrowBadInput(
        fmt::format("scene variation: texture '{}' has {} channels; 1, 3 or 4 can be "
                    "painted",
                    edit.texture, nominal_->tex_nchannel[id]));
  }
}

void ModelLook::ApplyEdit(const TextureEdit& edit) {
  const int id = Find(mjOBJ_TEXTURE, "texture", edit.texture);
  const int width = varied_->tex_width[id], height = FaceHeight(*varied_, id);
  const int channels = varied_->tex_nchannel[id];
  const size_t face = static_cast<size_t>(width) * height * channels;
  mjtByte* pixels = varied_->tex_data + varied_->tex_adr[id];
  PaintTexture(edit, width, height, channels, pixels);
  // the faces of a cube look alike
  for (size_t at = face; at + face <= TextureBytes(*varied_, id); at += face) {
    std::memcpy(pixels + at, pixels, face);
  }
  painted_.insert(id);
  changed_.insert(id);
}

void ModelLook::Check(const CameraEdit& edit) const {
  const int id = Find(mjOBJ_CAMERA, "camera", edit.camera);
  if (nominal_->cam_mode[id] != mjCAMLIGHT_FIXED) {
    ThrowBadInput(
        fmt::format("scene variation: camera '{}' turns by itself (tracking or "
                    "targeting); only cameras of mode fixed can be placed",
                    edit.camera));
  }
  if (!(edit.fovy_deg > 0 && edit.fovy_deg < 180) || !edit.X_PC.translation().allFinite()) {
    ThrowBadInput(
        fmt::format("scene variation: camera '{}' needs a finite pose and a field of "
                    "view within (0, 180) degrees, not {}",
                    edit.camera, edit.fovy_deg));
  }
}

void ModelLook::ApplyEdit(const CameraEdit& edit) {
  const int id = Find(mjOBJ_CAMERA, "camera", edit.camera);
  const Eigen::Quaterniond& q = edit.X_PC.rotation();
  const mjtNum wxyz[4] = {q.w(), q.x(), q.y(), q.z()};
  std::memcpy(varied_->cam_quat + 4 * id, wxyz, sizeof(wxyz));
  for (int i = 0; i < 3; ++i) varied_->cam_pos[3 * id + i] = edit.X_PC.translation()[i];
  varied_->cam_fovy[id] = edit.fovy_deg;
  // a sensor size would take the place of the field of view
  varied_->cam_sensorsize[2 * id] = varied_->cam_sensorsize[2 * id + 1] = 0;
}

void ModelLook::PlaceLights(mjData* data) const {
  for (const auto& [id, placement] : lights_) {
    Set(placement.position, data->light_xpos + 3 * id);
    Set(placement.direction, data->light_xdir + 3 * id);
  }
}

std::vector<int> ModelLook::TakeChangedTextures() {
  const std::vector<int> changed(changed_.begin(), changed_.end());
  changed_.clear();
  return changed;
}

}  // namespace understudy
