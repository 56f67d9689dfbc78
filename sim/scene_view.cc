#include "core/seam/scene_view.h"

#include <fmt/format.h>
#include <mujoco/mujoco.h>

#include <algorithm>
#include <optional>

#include "core/base/error.h"
#include "sim/looks/model_look.h"
#include "sim/model_index.h"
#include "sim/mujoco_guard.h"
#include "sim/scene.h"
#include "sim/shown_state.h"

namespace understudy {
namespace {

template <size_t n, class T>
std::array<float, n> Floats(const T* from) {
  std::array<float, n> values;
  std::transform(from, from + n, values.begin(), [](T v) { return static_cast<float>(v); });
  return values;
}

Pose PoseOf(const mjtNum* p, const mjtNum* q) {
  return Pose(Eigen::Quaterniond(q[0], q[1], q[2], q[3]), {p[0], p[1], p[2]});
}

SceneMesh MeshOf(const mjModel& m, int id) {
  SceneMesh mesh;
  const bool textured = m.mesh_texcoordadr[id] >= 0;
  const float* vertices = m.mesh_vert + 3 * m.mesh_vertadr[id];
  const float* normals = m.mesh_normal + 3 * m.mesh_normaladr[id];
  for (int face = m.mesh_faceadr[id]; face < m.mesh_faceadr[id] + m.mesh_facenum[id]; ++face) {
    for (int corner = 3 * face; corner < 3 * face + 3; ++corner) {
      const float* vertex = vertices + 3 * m.mesh_face[corner];
      const float* normal = normals + 3 * m.mesh_facenormal[corner];
      mesh.positions.insert(mesh.positions.end(), vertex, vertex + 3);
      mesh.normals.insert(mesh.normals.end(), normal, normal + 3);
      if (!textured) continue;
      const float* place =
          m.mesh_texcoord + 2 * (m.mesh_texcoordadr[id] + m.mesh_facetexcoord[corner]);
      mesh.texture_places.insert(mesh.texture_places.end(), place, place + 2);
    }
  }
  return mesh;
}

ScenePicture PictureOf(const mjModel& m, int id) {
  ScenePicture picture{m.tex_width[id], m.tex_height[id], m.tex_type[id] != mjTEXTURE_2D, {}};
  const int channels = m.tex_nchannel[id];
  const mjtByte* pixels = m.tex_data + m.tex_adr[id];
  const size_t count = static_cast<size_t>(picture.width) * static_cast<size_t>(picture.height);
  picture.rgb.reserve(3 * count);
  for (size_t i = 0; i < count; ++i) {
    // grey pictures have one channel, of four the last is opacity
    for (int c = 0; c < 3; ++c) {
      picture.rgb.push_back(pixels[i * static_cast<size_t>(channels) +
                                   static_cast<size_t>(std::min(c, channels - 1))]);
    }
  }
  return picture;
}

std::optional<SceneShapeKind> KindOf(int type) {
  switch (type) {
    case mjGEOM_PLANE:
      return SceneShapeKind::kPlane;
    case mjGEOM_SPHERE:
      return SceneShapeKind::kSphere;
    case mjGEOM_CAPSULE:
      return SceneShapeKind::kCapsule;
    case mjGEOM_ELLIPSOID:
      return SceneShapeKind::kEllipsoid;
    case mjGEOM_CYLINDER:
      return SceneShapeKind::kCylinder;
    case mjGEOM_BOX:
      return SceneShapeKind::kBox;
    case mjGEOM_MESH:
      return SceneShapeKind::kMesh;
    default:
      return std::nullopt;  // height fields and signed distances: not drawn
  }
}

class MujocoSceneView final : public SceneView {
 public:
  explicit MujocoSceneView(std::shared_ptr<const Scene> scene) : nominal_(std::move(scene)) {
    Enter(nominal_);
    mjv_defaultOption(&show_);
  }

 private:
  void Enter(std::shared_ptr<const Scene> scene) {
    scene_ = std::move(scene);
    model_.reset(mj_copyModel(nullptr, scene_->model()));
    data_.reset(mj_makeData(model_.get()));
    look_.emplace(scene_->model(), model_.get());
  }

  void DoSetWorld(const PhysicsVariation& variation) override {
    std::shared_ptr<const Scene> scene = Scene::Vary(nominal_, variation);
    if (scene != scene_) Enter(std::move(scene));
  }

  SceneLook DoLook(const SceneVariation& variation) override {
    look_->Apply(variation);
    PlaceShown(*model_, *look_, data_.get());
    const mjModel& m = *model_;
    SceneLook look;
    for (int i = 0; i < m.nbody; ++i) look.bodies.push_back(NameOf(m, mjOBJ_BODY, i));
    look.parents.assign(m.body_parentid, m.body_parentid + m.nbody);
    for (const std::string& arm : scene_->info().arms) {
      const int site =
          mj_name2id(&m, mjOBJ_SITE, (arm + "_" + scene_->robot().gripper.control_site).c_str());
      Require(site >= 0, "an arm has a control frame");
      look.hands.push_back(
          {arm, m.site_bodyid[site], PoseOf(m.site_pos + 3 * site, m.site_quat + 4 * site)});
    }
    for (int i = 0; i < m.nmesh; ++i) look.meshes.push_back(MeshOf(m, i));
    for (int i = 0; i < m.ntex; ++i) {
      look.pictures.push_back(PictureOf(m, i));
      if (m.tex_type[i] == mjTEXTURE_SKYBOX) look.sky = i;
    }
    if (look_->shows_sky() && !look_->room().sky_is_own()) {
      look.sky = look_->room().sky();
      look.pictures.push_back(PictureOf(m, look.sky));
    }
    for (int i = 0; i < m.ngeom; ++i) AddShape(i, &look);
    for (int i = 0; i < m.nlight; ++i) AddLight(i, &look);
    for (int i = 0; i < m.ncam; ++i) {
      look.cameras.push_back({NameOf(m, mjOBJ_CAMERA, i), m.cam_bodyid[i],
                              PoseOf(m.cam_pos + 3 * i, m.cam_quat + 4 * i),
                              static_cast<float>(FieldOfViewDeg(m, i))});
    }
    const auto& head = m.vis.headlight;
    if (head.active) {
      look.headlight_ambient = Floats<3>(head.ambient);
      look.headlight_diffuse = Floats<3>(head.diffuse);
      look.headlight_specular = Floats<3>(head.specular);
    }
    look.center = Floats<3>(m.stat.center);
    look.extent = static_cast<float>(m.stat.extent);
    return look;
  }

  // What the renderer draws too: the visible groups.
  void AddShape(int id, SceneLook* look) const {
    const mjModel& m = *model_;
    const std::optional<SceneShapeKind> kind = KindOf(m.geom_type[id]);
    const int group = std::clamp(m.geom_group[id], 0, mjNGROUP - 1);
    if (!kind || !show_.geomgroup[group] || m.geom_rgba[4 * id + 3] == 0) return;
    SceneShape shape;
    shape.name = NameOf(m, mjOBJ_GEOM, id);
    shape.body = m.geom_bodyid[id];
    shape.kind = *kind;
    shape.X_BS = PoseOf(m.geom_pos + 3 * id, m.geom_quat + 4 * id);
    shape.size = Floats<3>(m.geom_size + 3 * id);
    if (*kind == SceneShapeKind::kMesh) shape.mesh = m.geom_dataid[id];
    shape.rgba = Floats<4>(m.geom_rgba + 4 * id);
    if (const int material = m.geom_matid[id]; material >= 0) {
      // a colour of its own, other than MuJoCo's default, goes before that of the material
      if (shape.rgba == std::array<float, 4>{0.5f, 0.5f, 0.5f, 1}) {
        shape.rgba = Floats<4>(m.mat_rgba + 4 * material);
      }
      shape.picture = m.mat_texid[mjNTEXROLE * material + mjTEXROLE_RGB];
      shape.repeat = Floats<2>(m.mat_texrepeat + 2 * material);
      shape.uniform = m.mat_texuniform[material];
      shape.specular = m.mat_specular[material];
      shape.shininess = m.mat_shininess[material];
      shape.emission = m.mat_emission[material];
    }
    look->shapes.push_back(std::move(shape));
  }

  void AddLight(int id, SceneLook* look) const {
    const mjModel& m = *model_;
    if (!m.light_active[id]) return;
    SceneLight light;
    light.body = m.light_bodyid[id];
    light.directional = m.light_type[id] == mjLIGHT_DIRECTIONAL;
    // variations place the lights of the world in the world
    const bool world = light.body == 0;
    light.p_BL = Floats<3>((world ? data_->light_xpos : m.light_pos) + 3 * id);
    light.d_BL = Floats<3>((world ? data_->light_xdir : m.light_dir) + 3 * id);
    light.ambient = Floats<3>(m.light_ambient + 3 * id);
    light.diffuse = Floats<3>(m.light_diffuse + 3 * id);
    light.specular = Floats<3>(m.light_specular + 3 * id);
    light.cutoff_deg = m.light_cutoff[id];
    light.exponent = m.light_exponent[id];
    look->lights.push_back(light);
  }

  void DoPoses(const SimState& state, std::vector<float>* poses) override {
    const SimulatorInfo& info = scene_->info();
    if (!SetShownState(info, state, *model_, data_.get())) {
      ThrowBadInput(fmt::format(
          "a state of {} numbers, where those of task '{}' with robot '{}' have {}, or {}",
          state.size(), info.task, info.robot, info.state_size, info.flat_state_size));
    }
    mj_kinematics(model_.get(), data_.get());
    poses->resize(7 * static_cast<size_t>(model_->nbody));
    for (size_t i = 0; i < static_cast<size_t>(model_->nbody); ++i) {
      std::copy_n(data_->xpos + 3 * i, 3, poses->begin() + static_cast<std::ptrdiff_t>(7 * i));
      std::copy_n(data_->xquat + 4 * i, 4, poses->begin() + static_cast<std::ptrdiff_t>(7 * i + 3));
    }
  }

  void DoContacts(std::vector<float>* places) override {
    places->clear();
    mj_collision(model_.get(), data_.get());
    for (int i = 0; i < data_->ncon; ++i) {
      const mjContact& contact = data_->contact[i];
      if (contact.dist > 0) continue;
      places->insert(places->end(), contact.pos, contact.pos + 3);
    }
  }

  const std::shared_ptr<const Scene> nominal_;
  std::shared_ptr<const Scene> scene_;  // of the world that is shown
  std::unique_ptr<mjModel, MujocoDeleter> model_;
  std::unique_ptr<mjData, MujocoDeleter> data_;
  std::optional<ModelLook> look_;
  mjvOption show_;
};

}  // namespace

std::unique_ptr<SceneView> MakeSceneView(std::shared_ptr<const Scene> scene) {
  Require(scene != nullptr, "a view shows a scene");
  InstallMujocoHandlers();
  return std::make_unique<MujocoSceneView>(std::move(scene));
}

}  // namespace understudy
