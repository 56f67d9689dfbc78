#pragma once

#include <mujoco/mujoco.h>

#include <Eigen/Geometry>
#include <vector>

#include "core/geometry/box.h"
#include "core/seam/simulator.h"
#include "sim/model_index.h"

namespace understudy {

// The box around a geom, in W.
Box BoxOfGeom(const mjModel& model, const mjData& data, int geom);

// Geoms that collide of bodies that hang together by a hinge or a slide, but for arms: a cabinet
// with its drawers, the walls of the cabinet too.
std::vector<int> PartGeoms(const mjModel& model, const ModelIndex& index);

// The hand of an arm with its gripper wide open, in E.
struct OpenHand {
  std::vector<Eigen::AlignedBox3d> fingers_E;  // one per body of a finger
  std::vector<Box> shapes_E;                   // all that moves with the last joint and collides
  Eigen::Vector3d left_pads_E, right_pads_E;   // middles of the pads
};
OpenHand FindOpenHand(const mjModel& model, const ModelIndex& index, int arm);

}  // namespace understudy
