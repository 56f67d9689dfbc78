#include "sim/looks/camera.h"

#include <fmt/format.h>

#include "core/base/error.h"

namespace understudy {

void Look<CameraEdit>::AddInventory(const mjModel& model, SceneInventory* inventory) {
  for (int i = 0; i < static_cast<int>(model.ncam); ++i) {
    const std::string name = NameOf(model, mjOBJ_CAMERA, i);
    if (name.empty()) continue;
    const mjtNum* q = model.cam_quat + 4 * i;
    const Pose X_PC(Eigen::Quaterniond(q[0], q[1], q[2], q[3]), Vector(model.cam_pos + 3 * i));
    const bool moves = model.body_weldid[model.cam_bodyid[i]] != 0;
    inventory->cameras.push_back({name, X_PC, model.cam_fovy[i], moves});
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
