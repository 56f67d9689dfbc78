#include "sim/looks/camera.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"

namespace understudy {

namespace {

// Pose of a body, or of a geom of it, in the body that it is welded to.
Pose InWeldRoot(const mjModel& model, int body) {
  Pose X_RB;
  for (const int root = model.body_weldid[body]; body != root; body = model.body_parentid[body]) {
    const mjtNum *p = model.body_pos + 3 * body, *q = model.body_quat + 4 * body;
    X_RB = Pose(Eigen::Quaterniond(q[0], q[1], q[2], q[3]), Vector(p)) * X_RB;
  }
  return X_RB;
}

// Solids that are drawn and do not move in the frame of `body`. A mesh or height field counts as
// its box.
std::vector<SceneInventory::Solid> SolidsOf(const mjModel& model, int body) {
  using Shape = SceneInventory::Solid::Shape;
  mjvOption option;
  mjv_defaultOption(&option);
  const Pose X_PR = InWeldRoot(model, body).Inverse();
  std::vector<SceneInventory::Solid> solids;
  for (int i = 0; i < static_cast<int>(model.ngeom); ++i) {
    const int owner = model.geom_bodyid[i];
    const int group = std::clamp(model.geom_group[i], 0, mjNGROUP - 1);
    // a mocap body is welded to the world, but every reset moves it
    if (model.body_weldid[owner] != model.body_weldid[body] || !option.geomgroup[group] ||
        model.body_mocapid[model.body_rootid[owner]] >= 0) {
      continue;
    }
    const mjtNum *p = model.geom_pos + 3 * i, *q = model.geom_quat + 4 * i;
    const Pose X_PG = X_PR * InWeldRoot(model, owner) *
                      Pose(Eigen::Quaterniond(q[0], q[1], q[2], q[3]), Vector(p));
    const Eigen::Vector3d size = Vector(model.geom_size + 3 * i);
    SceneInventory::Solid solid{NameOf(model, mjOBJ_GEOM, i), Shape::kBox, X_PG, size};
    switch (model.geom_type[i]) {
      case mjGEOM_PLANE:
        solid.shape = Shape::kHalfSpace;
        break;
      case mjGEOM_SPHERE:
        solid.shape = Shape::kEllipsoid;
        solid.size.setConstant(size[0]);
        break;
      case mjGEOM_ELLIPSOID:
        solid.shape = Shape::kEllipsoid;
        break;
      case mjGEOM_CAPSULE:
      case mjGEOM_CYLINDER:
        solid.shape = model.geom_type[i] == mjGEOM_CAPSULE ? Shape::kCapsule : Shape::kCylinder;
        solid.size = {size[0], size[0], size[1]};
        break;
      case mjGEOM_BOX:
        break;
      default: {
        const mjtNum* box = model.geom_aabb + 6 * i;
        solid.X_PS = X_PG * Pose::FromTranslation(Vector(box));
        solid.size = Vector(box + 3);
      }
    }
    solids.push_back(solid);
  }
  return solids;
}

}  // namespace

void Look<CameraEdit>::AddInventory(const mjModel& model, SceneInventory* inventory) {
  for (int i = 0; i < static_cast<int>(model.ncam); ++i) {
    const std::string name = NameOf(model, mjOBJ_CAMERA, i);
    if (name.empty()) continue;
    const mjtNum* q = model.cam_quat + 4 * i;
    const Pose X_PC(Eigen::Quaterniond(q[0], q[1], q[2], q[3]), Vector(model.cam_pos + 3 * i));
    const bool moves = model.body_weldid[model.cam_bodyid[i]] != 0;
    inventory->cameras.push_back({name, X_PC, model.cam_fovy[i], moves,
                                  model.vis.map.znear * model.stat.extent,
                                  SolidsOf(model, model.cam_bodyid[i])});
  }
}

void Look<CameraEdit>::Check(const mjModel& nominal, const CameraEdit& edit) {
  const int id = FindPart(nominal, mjOBJ_CAMERA, "camera", edit.camera);
  if (nominal.cam_mode[id] != mjCAMLIGHT_FIXED) {
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

void Look<CameraEdit>::Restore(const mjModel& nominal, mjModel* varied) {
  CopyNumbers(varied->cam_pos, nominal.cam_pos, nominal.ncam * 3);
  CopyNumbers(varied->cam_quat, nominal.cam_quat, nominal.ncam * 4);
  CopyNumbers(varied->cam_fovy, nominal.cam_fovy, nominal.ncam);
  CopyNumbers(varied->cam_sensorsize, nominal.cam_sensorsize, nominal.ncam * 2);
}

void Look<CameraEdit>::Apply(const CameraEdit& edit, mjModel* varied) {
  const int id = FindPart(*varied, mjOBJ_CAMERA, "camera", edit.camera);
  const Eigen::Quaterniond& q = edit.X_PC.rotation();
  const mjtNum wxyz[4] = {q.w(), q.x(), q.y(), q.z()};
  CopyNumbers(varied->cam_quat + 4 * id, wxyz, 4);
  for (int i = 0; i < 3; ++i) varied->cam_pos[3 * id + i] = edit.X_PC.translation()[i];
  varied->cam_fovy[id] = edit.fovy_deg;
  // a sensor size would take the place of the field of view
  varied->cam_sensorsize[2 * id] = varied->cam_sensorsize[2 * id + 1] = 0;
}

}  // namespace understudy
