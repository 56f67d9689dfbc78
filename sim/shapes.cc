#include "sim/shapes.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "sim/mujoco_guard.h"
#include "sim/osc.h"

namespace understudy {

Box BoxOfGeom(const mjModel& model, const mjData& data, int geom) {
  using Rotation = Eigen::Map<const Eigen::Matrix<double, 3, 3, Eigen::RowMajor>>;
  const Pose X_WG(Eigen::Quaterniond(Rotation(data.geom_xmat + 9 * geom)),
                  Eigen::Map<const Eigen::Vector3d>(data.geom_xpos + 3 * geom));
  const Eigen::Map<const Eigen::Vector3d> centre(model.geom_aabb + 6 * geom);
  return {X_WG * Pose::FromTranslation(centre),
          Eigen::Map<const Eigen::Vector3d>(model.geom_aabb + 6 * geom + 3)};
}

std::vector<int> PartGeoms(const mjModel& model, const ModelIndex& index) {
  std::set<int> trees;
  for (int joint = 0; joint < model.njnt; ++joint) {
    const bool turns = model.jnt_type[joint] == mjJNT_HINGE || model.jnt_type[joint] == mjJNT_SLIDE;
    if (turns) trees.insert(model.body_rootid[model.jnt_bodyid[joint]]);
  }
  for (const ArmIndex& arm : index.arms) {
    for (const int joint : arm.joints) trees.erase(model.body_rootid[model.jnt_bodyid[joint]]);
  }
  std::vector<int> geoms;
  for (int geom = 0; geom < model.ngeom; ++geom) {
    if (!trees.contains(model.body_rootid[model.geom_bodyid[geom]])) continue;
    if (Touches(model, geom) && model.geom_type[geom] != mjGEOM_PLANE) geoms.push_back(geom);
  }
  return geoms;
}

OpenHand FindOpenHand(const mjModel& model, const ModelIndex& index, int arm) {
  const ArmIndex& joints = index.arms[arm];
  const std::unique_ptr<mjData, MujocoDeleter> data(mj_makeData(&model));
  for (const auto& [address, q] : joints.gripper.open_qpos) data->qpos[address] = q;
  mj_kinematics(&model, data.get());
  const Pose X_EW = ControlPose(model, *data, joints).Inverse();
  const int last_link = model.jnt_bodyid[joints.joints.back()];
  OpenHand hand;
  const auto middle = [&](int8_t GeomRole::*pad_of) {
    Eigen::Vector3d sum = Eigen::Vector3d::Zero();
    int count = 0;
    for (int geom = 0; geom < model.ngeom; ++geom) {
      if (index.geoms[geom].*pad_of != arm) continue;
      sum += X_EW * Eigen::Vector3d(Eigen::Map<const Eigen::Vector3d>(data->geom_xpos + 3 * geom));
      ++count;
    }
    return Eigen::Vector3d(sum / count);
  };
  hand.left_pads_E = middle(&GeomRole::left_pad_of);
  hand.right_pads_E = middle(&GeomRole::right_pad_of);
  std::map<int, Eigen::AlignedBox3d> fingers;  // by body
  for (int geom = 0; geom < model.ngeom; ++geom) {
    const int body = model.geom_bodyid[geom];
    if (!InSubtree(model, body, last_link)) continue;
    const Box box = BoxOfGeom(model, *data, geom);
    const Box shape_E{X_EW * box.X_WB, box.half};
    if (Touches(model, geom)) hand.shapes_E.push_back(shape_E);
    if (index.geoms[geom].finger_of == arm) fingers[body].extend(BoundsOf(shape_E));
  }
  for (const auto& [body, box] : fingers) hand.fingers_E.push_back(box);
  return hand;
}

}  // namespace understudy
