#include "sim/composition.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#include "core/base/error.h"
#include "sim/looks/look.h"
#include "sim/mujoco_guard.h"
#include "sim/mujoco_pose.h"
#include "sim/pieces.h"
#include "sim/shapes.h"

namespace understudy {
namespace {

using Eigen::Vector3d;

// Of the box that the primitive at the origin of its body fills; empty: it is none such.
std::array<double, 3> HalfExtents(int type, const double* size) {
  if (type == mjGEOM_BOX) return {size[0], size[1], size[2]};
  if (type == mjGEOM_CYLINDER) return {size[0], size[0], size[1]};
  return {};
}

void SetPlace(const Piece& piece, mjsGeom* geom) {
  const bool box = piece.shape == Piece::Shape::kBox;
  geom->type = box ? mjGEOM_BOX : mjGEOM_CYLINDER;
  for (int i = 0; i < 3; ++i) geom->pos[i] = piece.p[i];
  geom->size[0] = piece.half.x();
  geom->size[1] = box ? piece.half.y() : piece.half.z();
  geom->size[2] = box ? piece.half.z() : 0;
}

void SetColour(const Vector3d& rgb, double shade, mjsGeom* geom) {
  for (int i = 0; i < 3; ++i) {
    geom->rgba[i] = static_cast<float>(std::clamp(rgb[i] * shade, 0.0, 1.0));
  }
  geom->rgba[3] = 1;
}

mjsBody* AddBody(const std::string& name, mjSpec* spec) {
  mjsBody* body = mjs_addBody(mjs_findBody(spec, "world"), nullptr);
  if (mjs_setName(body->element, name.c_str()) != 0) {
    ThrowBadInput(fmt::format("physics variation: the scene has a body '{}' already", name));
  }
  return body;
}

double VolumeOf(const std::vector<Piece>& pieces) {
  double volume = 0;
  for (const Piece& piece : pieces) volume += piece.volume();
  return volume;
}

// The pieces as shapes of a body: `body_0`, `body_1`, …
template <class Finish>
void AddPieces(const std::vector<Piece>& pieces, mjsBody* body, const Finish& finish) {
  const std::string name = mjs_getString(mjs_getName(body->element));
  for (size_t i = 0; i < pieces.size(); ++i) {
    mjsGeom* geom = mjs_addGeom(body, nullptr);
    mjs_setName(geom->element, fmt::format("{}_{}", name, i).c_str());
    SetPlace(pieces[i], geom);
    finish(pieces[i], geom);
  }
}

}  // namespace

std::string FixedShape(const mjModel& model, const ObjectIndex& object) {
  if (object.is_part()) return "it hangs from another body";
  int geom = -1, count = 0;
  for (int i = 0; i < model.ngeom; ++i) {
    if (!InSubtree(model, model.geom_bodyid[i], object.body)) continue;
    geom = i;
    ++count;
  }
  if (count != 1) return "it is made of several shapes";
  const mjtNum* p = model.geom_pos + 3 * geom;
  const mjtNum* q = model.geom_quat + 4 * geom;
  const bool centred = p[0] == 0 && p[1] == 0 && p[2] == 0 && std::abs(q[0]) == 1;
  const int type = model.geom_type[geom];
  if (!centred || (type != mjGEOM_BOX && type != mjGEOM_CYLINDER)) {
    return "it is no box or cylinder about its origin";
  }
  return "";
}

void AddSurroundings(const mjModel& model, const ModelIndex& index, const TaskSpec& task,
                     PhysicsInventory* world) {
  for (int i = 0; i < model.nmat; ++i) {
    if (const std::string name = NameOf(model, mjOBJ_MATERIAL, i); !name.empty()) {
      world->materials.push_back(name);
    }
  }
  const std::unique_ptr<mjData, MujocoDeleter> data(mj_makeData(&model));
  for (const ArmIndex& arm : index.arms) {
    for (size_t i = 0; i < arm.qpos.size(); ++i) data->qpos[arm.qpos[i]] = arm.home[i];
  }
  mj_kinematics(&model, data.get());
  mj_comPos(&model, data.get());
  mj_camlight(&model, data.get());
  for (const int id : StandingCameras(model, task.cameras)) {
    world->cameras.push_back({NameOf(model, mjOBJ_CAMERA, id), Vector3d(data->cam_xpos + 3 * id)});
  }
  for (int i = 0; i < model.ngeom; ++i) {
    const int body = model.geom_bodyid[i];
    const bool arm = std::any_of(index.arms.begin(), index.arms.end(), [&](const ArmIndex& one) {
      return InSubtree(model, body, one.base_body);
    });
    if (!Touches(model, i) || model.geom_type[i] == mjGEOM_PLANE) continue;
    if (arm || model.body_weldid[body] == 0) {
      world->solids_W.push_back(BoundsOf(BoxOfGeom(model, *data, i)));
    }
  }
  // everything that a variant places, and as much room about and above it as a hand needs
  constexpr double kBeside = 0.12, kAbove = 0.4;  // m
  for (const auto& [name, variant] : task.variants) {
    for (const auto& [object, range] : variant.objects) {
      const auto known = task.objects.find(object);
      if (range.joint || known == task.objects.end()) continue;
      const double beside = kBeside + known->second.radius;
      const Vector3d low(range.x[0] - beside, range.y[0] - beside, range.z - 0.02);
      const Vector3d high(range.x[1] + beside, range.y[1] + beside, range.z + kAbove);
      world->working_W.extend(variant.origin + low);
      world->working_W.extend(variant.origin + high);
    }
  }
}

std::string FixtureBody(const FixtureEdit& edit) { return "fixture_" + edit.fixture; }
std::string ClutterBody(const DistractorEdit& edit) { return "clutter_" + edit.thing; }

void AddFixture(const FixtureEdit& edit, mjSpec* spec) {
  mjsBody* body = AddBody(FixtureBody(edit), spec);
  PutPose(edit.X_WF, body->pos, body->quat);
  AddPieces(PiecesOf(edit.kind, edit.size), body, [&](const Piece& piece, mjsGeom* geom) {
    if (edit.material.empty() || piece.shade != 1) {
      SetColour(edit.rgb, piece.shade, geom);
    } else {
      mjs_setString(geom->material, edit.material.c_str());
    }
  });
}

void AddDistractor(const DistractorEdit& edit, size_t number, mjSpec* spec) {
  const std::string name = ClutterBody(edit);
  mjsBody* body = AddBody(name, spec);
  constexpr double kAside = 20;  // m
  body->pos[0] = 2 * static_cast<double>(number);
  body->pos[2] = kAside;
  mjs_setName(mjs_addFreeJoint(body)->element, name.c_str());
  const std::vector<Piece> pieces = PiecesOf(edit.kind, edit.size);
  const double volume = VolumeOf(pieces);
  AddPieces(pieces, body, [&](const Piece& piece, mjsGeom* geom) {
    SetColour(edit.rgb, piece.shade, geom);
    geom->mass = edit.mass * piece.volume() / volume;
  });
}

void Reshape(const ObjectShapeEdit& edit, mjsBody* body) {
  mjsGeom* first = mjs_asGeom(mjs_firstChild(body, mjOBJ_GEOM, 0));
  const std::string name = mjs_getString(mjs_getName(first->element));
  const std::array<double, 3> half = HalfExtents(first->type, first->size);
  const Vector3d size = 2 * Vector3d(half[0], half[1], half[2]);
  const BlockShape was = first->type == mjGEOM_BOX ? BlockShape::kBox : BlockShape::kCylinder;
  const bool weighed = std::isfinite(first->mass);
  const double mass = weighed ? first->mass : first->density * VolumeOf(PiecesOf(was, size));
  const std::vector<Piece> pieces = PiecesOf(edit.shape, size);
  const double volume = VolumeOf(pieces);
  for (size_t i = 0; i < pieces.size(); ++i) {
    mjsGeom* geom = first;
    if (i > 0) {
      geom = mjs_addGeom(body, nullptr);
      mjs_setName(geom->element, fmt::format("{}_{}", name, i).c_str());
      // contacts and colours are those of the first
      mjs_setString(geom->material, mjs_getString(first->material));
      std::copy(std::begin(first->rgba), std::end(first->rgba), geom->rgba);
      std::copy(std::begin(first->friction), std::end(first->friction), geom->friction);
      std::copy(std::begin(first->solref), std::end(first->solref), geom->solref);
      std::copy(std::begin(first->solimp), std::end(first->solimp), geom->solimp);
      geom->solmix = first->solmix;
      geom->condim = first->condim;
      geom->contype = first->contype;
      geom->conaffinity = first->conaffinity;
      geom->priority = first->priority;
      geom->margin = first->margin;
      geom->gap = first->gap;
      geom->group = first->group;
    }
    SetPlace(pieces[i], geom);
    geom->mass = mass * pieces[i].volume() / volume;
  }
}

}  // namespace understudy
