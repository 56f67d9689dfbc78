#include "sim/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "core/base/error.h"
#include "core/base/rng.h"
#include "sim/composition.h"
#include "sim/mujoco_pose.h"

namespace understudy {
namespace {

using Eigen::Vector3d;

std::string NameIn(const mjModel& model, mjtObj type, int id) {
  const char* name = mj_id2name(&model, type, id);
  return name == nullptr ? "" : name;
}

// Why the geometry of a body cannot be made larger; empty: it can.
std::string FixedSize(const mjModel& model, const ObjectIndex& object) {
  if (object.is_part()) return "it hangs from another body";
  for (int body = 0; body < model.nbody; ++body) {
    if (body != object.body && InSubtree(model, body, object.body)) return "it has moving parts";
  }
  for (int i = 0; i < model.ngeom; ++i) {
    const int type = model.geom_type[i];
    const bool simple = type == mjGEOM_SPHERE || type == mjGEOM_CAPSULE || type == mjGEOM_BOX ||
                        type == mjGEOM_ELLIPSOID || type == mjGEOM_CYLINDER;
    if (model.geom_bodyid[i] == object.body && !simple) {
      return "it has meshes, whose size is that of their files";
    }
  }
  return "";
}

template <class T>
const T* Named(const std::vector<T>& things, const std::string& name) {
  const auto found = std::find_if(things.begin(), things.end(),
                                  [&](const T& thing) { return thing.name == name; });
  return found == things.end() ? nullptr : &*found;
}

// Checks one edit; says whether it changes something.
class EditCheck {
 public:
  // `variation` has the things that relations refer to.
  EditCheck(const PhysicsInventory& world, const PhysicsVariation& variation, Problems* problems)
      : world_(world), problems_(*problems) {
    for (const auto& object : world.objects) placed_.push_back(object.name);
    for (const PhysicsEdit& edit : variation.edits) {
      if (const auto* one = std::get_if<DistractorEdit>(&edit)) placed_.push_back(one->thing);
    }
  }

  bool operator()(const ObjectSizeEdit& edit) {
    const auto* object = Find("object", world_.objects, edit.object);
    if (object == nullptr) return false;
    if (!object->fixed_size.empty() && edit.factor != 1) {
      Complain("the size of '{}' cannot be varied: {}", edit.object, object->fixed_size);
    }
    return edit.factor != 1;
  }
  bool operator()(const TableHeightEdit& edit) {
    Known("body that stands in the world", world_.stands, edit.body);
    return edit.shift != 0;
  }
  bool operator()(const RobotMountEdit& edit) {
    const auto* arm = Find("arm", world_.arms, edit.arm);
    return arm != nullptr && edit.X_WB.Matrix() != arm->X_WB.Matrix();
  }
  bool operator()(const MassEdit& edit) {
    Find("body", world_.bodies, edit.body);
    return edit.factor != 1;
  }
  bool operator()(const CentreOfMassEdit& edit) {
    Find("body", world_.bodies, edit.body);
    return edit.shift != Vector3d::Zero();
  }
  bool operator()(const FrictionEdit& edit) {
    const auto* geom = Find("geom", world_.geoms, edit.geom);
    return geom != nullptr && edit.sliding != geom->sliding;
  }
  bool operator()(const JointDampingEdit& edit) {
    const auto* joint = Find("joint", world_.joints, edit.joint);
    return joint != nullptr && edit.damping != joint->damping;
  }
  bool operator()(const ActuatorGainEdit& edit) {
    const auto* actuator = Find("actuator", world_.actuators, edit.actuator);
    return actuator != nullptr && edit.gain != actuator->gain;
  }
  bool operator()(const ActuatorDelayEdit& edit) {
    if (!(edit.seconds >= 0 && edit.seconds < world_.policy_step)) {
      Complain("actuator_delay = {} s must lie in [0, {}), the time of a policy step", edit.seconds,
               world_.policy_step);
    }
    // a delay is so many physics steps
    return std::lround(edit.seconds / world_.physics_step) > 0;
  }
  bool operator()(const StartPostureEdit& edit) {
    const auto* arm = Find("arm", world_.arms, edit.arm);
    if (arm == nullptr) return false;
    if (edit.q.size() != arm->home.size()) {
      Complain("start_posture of '{}': {} angles for {} joints", edit.arm, edit.q.size(),
               arm->home.size());
      return false;
    }
    for (size_t i = 0; i < edit.q.size(); ++i) {
      const auto [low, high] = arm->limits[i];
      if (edit.q[i] >= low && edit.q[i] <= high) continue;
      Complain("start_posture of '{}': {} rad of joint {} lies outside [{}, {}]", edit.arm,
               edit.q[i], i, low, high);
    }
    return edit.q != arm->home;
  }
  bool operator()(const ResetRangeEdit& edit) {
    const auto* object = Find("object", world_.objects, edit.object);
    if (object == nullptr) return false;
    if (!object->ranged) Complain("no variant of the task places '{}' in a range", edit.object);
    return edit.factor != 1;
  }
  bool operator()(const ObservationNoiseEdit& edit) {
    return edit.hand_position > 0 || edit.hand_rotation > 0 || edit.joints > 0 ||
           edit.object_position > 0;
  }
  bool operator()(const ObjectShapeEdit& edit) {
    const auto* object = Find("object", world_.objects, edit.object);
    if (object == nullptr) return false;
    if (!object->fixed_shape.empty()) {
      Complain("the shape of '{}' cannot be varied: {}", edit.object, object->fixed_shape);
    }
    return true;
  }
  bool operator()(const FixtureEdit& edit) {
    if (edit.fixture.empty()) Complain("fixture: needs a name");
    if (!edit.material.empty()) Known("material", world_.materials, edit.material);
    return true;
  }
  bool operator()(const DistractorEdit& edit) {
    if (edit.thing.empty()) Complain("distractor: needs a name");
    Known("body that stands in the world", world_.stands, edit.on);
    for (const Relation& relation : edit.relations) {
      if (relation.relation == RelationKind::kWithinReach) continue;
      if (relation.relation != RelationKind::kSeenBy) {
        Known("object or thing", placed_, relation.to);
        continue;
      }
      std::vector<std::string> cameras;
      for (const auto& camera : world_.cameras) cameras.push_back(camera.name);
      Known("camera that stands still", cameras, relation.to);
    }
    return true;
  }

 private:
  void Known(const char* kind, const std::vector<std::string>& known, const std::string& name) {
    if (std::find(known.begin(), known.end(), name) != known.end()) return;
    problems_.push_back(UnknownName(kind, name, known));
  }
  template <class T>
  const T* Find(const char* kind, const std::vector<T>& things, const std::string& name) {
    const T* found = Named(things, name);
    if (found != nullptr) return found;
    std::vector<std::string> known;
    for (const T& thing : things) known.push_back(thing.name);
    problems_.push_back(UnknownName(kind, name, known));
    return nullptr;
  }
  template <class... Args>
  void Complain(fmt::format_string<Args...> text, Args&&... args) {
    problems_.push_back(fmt::format(text, std::forward<Args>(args)...));
  }

  const PhysicsInventory& world_;
  std::vector<std::string> placed_;  // objects and things
  Problems& problems_;
};

mjsBody* BodyOf(mjSpec* spec, const std::string& name) {
  mjsBody* body = mjs_findBody(spec, name.c_str());
  Require(body != nullptr, "the spec has what its model has");
  return body;
}

template <class T>
T* Element(mjSpec* spec, mjtObj type, const std::string& name, T* (*as)(mjsElement*)) {
  mjsElement* element = mjs_findElement(spec, type, name.c_str());
  Require(element != nullptr, "the spec has what its model has");
  return as(element);
}

// Calls `each` with every geom, or site, of a body itself.
template <class F>
void VisitParts(mjsBody* body, mjtObj type, const F& each) {
  for (mjsElement* e = mjs_firstChild(body, type, 0); e; e = mjs_nextChild(body, e, 0)) each(e);
}

// Mass and inertia that are written down, of a body or of its geoms; what follows from a density
// follows it.
void ScaleWrittenMass(mjsBody* body, double mass, double inertia) {
  body->mass *= mass;
  for (double& moment : body->inertia) moment *= inertia;
  for (double& moment : body->fullinertia) moment *= inertia;
  VisitParts(body, mjOBJ_GEOM, [&](mjsElement* e) { mjs_asGeom(e)->mass *= mass; });
}

// Applies one edit.
struct EditApply {
  const Pose& X_PB;  // an arm's base from the place that a task gives it
  const WorldDraft& draft;

  void operator()(const ObjectSizeEdit& edit) const {
    const double s = edit.factor;
    mjsBody* body = BodyOf(draft.spec, draft.task->objects.at(edit.object).body);
    ScaleWrittenMass(body, s * s * s, s * s * s * s * s);
    for (double& place : body->ipos) place *= s;
    VisitParts(body, mjOBJ_GEOM, [&](mjsElement* e) {
      mjsGeom* geom = mjs_asGeom(e);
      for (double& length : geom->pos) length *= s;
      for (double& length : geom->size) length *= s;
      for (double& length : geom->fromto) length *= s;
    });
    VisitParts(body, mjOBJ_SITE, [&](mjsElement* e) {
      for (double& length : mjs_asSite(e)->pos) length *= s;
    });
    draft.task->objects.at(edit.object).radius *= s;
    for (auto& [name, variant] : draft.task->variants) {
      const auto range = variant.objects.find(edit.object);
      if (range != variant.objects.end()) range->second.z *= s;
    }
    // how far a small thing stands over what it rests on
    for (auto& [name, predicate] : draft.task->predicates) {
      // what lies in a larger thing lies farther from its origin
      if (auto* in_box = std::get_if<InBoxPredicate>(&predicate);
          in_box != nullptr && in_box->relative_to == edit.object) {
        in_box->low *= s;
        in_box->high *= s;
      }
      auto* on_top = std::get_if<OnTopPredicate>(&predicate);
      if (on_top == nullptr || s >= 1) continue;
      if (on_top->object == edit.object || on_top->support == edit.object) on_top->min_dz *= s;
    }
  }
  void operator()(const TableHeightEdit& edit) const {
    BodyOf(draft.spec, edit.body)->pos[2] += edit.shift;
    for (auto& [name, variant] : draft.task->variants) variant.origin.z() += edit.shift;
  }
  void operator()(const RobotMountEdit& edit) const {
    const std::vector<std::string>& arms = draft.info->arms;
    const auto place =
        static_cast<size_t>(std::find(arms.begin(), arms.end(), edit.arm) - arms.begin());
    // the frame that the robot was attached to
    const int joint =
        mj_name2id(draft.model, mjOBJ_JOINT, draft.info->joint_names.at(place).front().c_str());
    const int base = draft.model->body_rootid[draft.model->jnt_bodyid[joint]];
    mjsFrame* frame =
        mjs_getFrame(BodyOf(draft.spec, mj_id2name(draft.model, mjOBJ_BODY, base))->element);
    Require(frame != nullptr, "a robot stands in a frame");
    PutPose(edit.X_WB, frame->pos, frame->quat);
    draft.info->X_WB.at(place) = edit.X_WB;
    draft.task->arms.at(place).X_WB = edit.X_WB * X_PB.Inverse();
  }
  void operator()(const MassEdit& edit) const {
    mjsBody* body = BodyOf(draft.spec, edit.body);
    ScaleWrittenMass(body, edit.factor, edit.factor);
    VisitParts(body, mjOBJ_GEOM, [&](mjsElement* e) { mjs_asGeom(e)->density *= edit.factor; });
  }
  void operator()(const CentreOfMassEdit&) const {}  // ShiftCentres
  void operator()(const FrictionEdit& edit) const {
    Element(draft.spec, mjOBJ_GEOM, edit.geom, mjs_asGeom)->friction[0] = edit.sliding;
  }
  void operator()(const JointDampingEdit& edit) const {
    Element(draft.spec, mjOBJ_JOINT, edit.joint, mjs_asJoint)->damping[0] = edit.damping;
  }
  void operator()(const ActuatorGainEdit& edit) const {
    mjsActuator* actuator = Element(draft.spec, mjOBJ_ACTUATOR, edit.actuator, mjs_asActuator);
    // a servo pulls towards its target as strongly as it is pushed
    const bool servo = actuator->biastype == mjBIAS_AFFINE && actuator->biasprm[1] < 0;
    if (servo) actuator->biasprm[1] *= edit.gain / actuator->gainprm[0];
    actuator->gainprm[0] = edit.gain;
  }
  void operator()(const ActuatorDelayEdit& edit) const { draft.parts->delay = edit.seconds; }
  void operator()(const StartPostureEdit& edit) const {
    const std::vector<std::string>& arms = draft.info->arms;
    const auto place = std::find(arms.begin(), arms.end(), edit.arm) - arms.begin();
    draft.parts->start.resize(arms.size());
    draft.parts->start[static_cast<size_t>(place)] = edit.q;
  }
  void operator()(const ResetRangeEdit& edit) const {
    const auto widen = [&](std::array<double, 2>* range) {
      const double middle = ((*range)[0] + (*range)[1]) / 2;
      for (double& end : *range) end = middle + edit.factor * (end - middle);
    };
    for (auto& [name, variant] : draft.task->variants) {
      const auto range = variant.objects.find(edit.object);
      if (range == variant.objects.end()) continue;
      widen(&range->second.x);
      widen(&range->second.y);
    }
  }
  void operator()(const ObservationNoiseEdit& edit) const { draft.parts->noise = edit; }
  void operator()(const ObjectShapeEdit& edit) const {
    Reshape(edit, BodyOf(draft.spec, draft.task->objects.at(edit.object).body));
  }
  void operator()(const FixtureEdit& edit) const { AddFixture(edit, draft.spec); }
  void operator()(const DistractorEdit& edit) const {
    AddDistractor(edit, draft.parts->clutter.size(), draft.spec);
    draft.parts->clutter.push_back(edit);
  }
};

}  // namespace

PhysicsInventory MakePhysicsInventory(const mjModel& model, const ModelIndex& index,
                                      const TaskSpec& task, const SimulatorInfo& info) {
  PhysicsInventory world;
  world.policy_step = 1 / task.control_hz;
  world.physics_step = task.physics_timestep;
  std::vector<uint8_t> touched(static_cast<size_t>(model.nbody));
  for (int i = 0; i < model.ngeom; ++i) {
    if (!Touches(model, i)) continue;
    touched[static_cast<size_t>(model.geom_bodyid[i])] = 1;
    const std::string name = NameIn(model, mjOBJ_GEOM, i);
    if (!name.empty()) world.geoms.push_back({name, model.geom_friction[3 * i]});
  }
  for (int i = 1; i < model.nbody; ++i) {
    const std::string name = NameIn(model, mjOBJ_BODY, i);
    if (name.empty()) continue;
    const bool moves = model.body_weldid[i] != 0;
    if (moves && model.body_mass[i] > 0) world.bodies.push_back({name, model.body_mass[i]});
    const bool stands = !moves && model.body_parentid[i] == 0 && model.body_mocapid[i] < 0;
    const bool is_arm = std::any_of(index.arms.begin(), index.arms.end(),
                                    [&](const ArmIndex& arm) { return arm.base_body == i; });
    if (stands && !is_arm && touched[static_cast<size_t>(i)]) world.stands.push_back(name);
  }
  for (int i = 0; i < model.njnt; ++i) {
    const std::string name = NameIn(model, mjOBJ_JOINT, i);
    const bool single = model.jnt_type[i] == mjJNT_HINGE || model.jnt_type[i] == mjJNT_SLIDE;
    if (!name.empty() && single) {
      world.joints.push_back({name, model.dof_damping[model.jnt_dofadr[i]]});
    }
  }
  for (int i = 0; i < model.nu; ++i) {
    const std::string name = NameIn(model, mjOBJ_ACTUATOR, i);
    if (!name.empty()) world.actuators.push_back({name, model.actuator_gainprm[mjNGAIN * i]});
  }
  for (const ObjectIndex& object : index.objects) {
    bool ranged = false;
    for (const auto& [name, variant] : task.variants) {
      const PlacementRange* range = PlacementOf(variant, object.name);
      ranged |= range != nullptr && (range->x[0] < range->x[1] || range->y[0] < range->y[1]);
    }
    world.objects.push_back(
        {object.name, FixedSize(model, object), FixedShape(model, object), ranged});
  }
  constexpr double kFree = std::numeric_limits<double>::infinity();
  for (size_t a = 0; a < index.arms.size(); ++a) {
    PhysicsInventory::Arm arm{info.arms[a], info.X_WB[a], index.arms[a].home, {}};
    for (const int joint : index.arms[a].joints) {
      const mjtNum* range = model.jnt_range + 2 * joint;
      const bool limited = model.jnt_limited[joint];
      arm.limits.emplace_back(limited ? range[0] : -kFree, limited ? range[1] : kFree);
    }
    world.arms.push_back(std::move(arm));
  }
  AddSurroundings(model, index, task, &world);
  return world;
}

PhysicsVariation EffectiveEdits(const PhysicsVariation& variation,
                                const PhysicsInventory& inventory) {
  Problems problems;
  PhysicsVariation effective;
  EditCheck check(inventory, variation, &problems);
  std::set<std::string> parts;
  for (const PhysicsEdit& edit : variation.edits) {
    const std::string part = PartOf(edit);
    if (!parts.insert(part).second) problems.push_back(part + " is changed twice");
    // what is recorded in a world has to be read again
    try {
      FromJson<PhysicsEdit>(ToJson(edit), part);
    } catch (const Error& error) {
      problems.push_back(error.what());
    }
    if (std::visit(check, edit)) effective.edits.push_back(edit);
  }
  if (!problems.empty()) {
    ThrowBadInput(fmt::format("physics variation: {}", fmt::join(problems, "; ")));
  }
  std::stable_sort(
      effective.edits.begin(), effective.edits.end(),
      [](const PhysicsEdit& a, const PhysicsEdit& b) { return a.index() < b.index(); });
  return effective;
}

void EditWorld(const PhysicsVariation& effective, const Pose& X_PB, const WorldDraft& draft) {
  for (const PhysicsEdit& edit : effective.edits) std::visit(EditApply{X_PB, draft}, edit);
}

bool ShiftCentres(const PhysicsVariation& effective, const mjModel& compiled, mjSpec* spec) {
  bool shifted = false;
  for (const PhysicsEdit& edit : effective.edits) {
    const auto* centre = std::get_if<CentreOfMassEdit>(&edit);
    if (centre == nullptr) continue;
    shifted = true;
    const int id = mj_name2id(&compiled, mjOBJ_BODY, centre->body.c_str());
    mjsBody* body = BodyOf(spec, centre->body);
    body->explicitinertial = 1;
    body->mass = compiled.body_mass[id];
    for (int i = 0; i < 3; ++i) {
      body->ipos[i] = compiled.body_ipos[3 * id + i] + centre->shift[i];
      body->inertia[i] = compiled.body_inertia[3 * id + i];
    }
    for (int i = 0; i < 4; ++i) body->iquat[i] = compiled.body_iquat[4 * id + i];
    for (double& moment : body->fullinertia) moment = std::numeric_limits<double>::quiet_NaN();
  }
  return shifted;
}

void AddNoise(const ObservationNoiseEdit& noise, int64_t step, Observation* observation) {
  Rng rng(
      RngKey{noise.seed}.WithStage("observation noise").WithParent(static_cast<uint64_t>(step)));
  const auto vector = [&](double deviation) -> Vector3d {
    const double x = rng.Normal(), y = rng.Normal();
    return deviation * Vector3d(x, y, rng.Normal());
  };
  for (ArmObservation& arm : observation->arms) {
    const Vector3d shift = vector(noise.hand_position), turn = vector(noise.hand_rotation);
    arm.X_WE = Pose(RotationExp(turn) * arm.X_WE.rotation(), arm.X_WE.translation() + shift);
    for (double& q : arm.joint_q) q += noise.joints * rng.Normal();
  }
  for (Pose& X_WO : observation->X_WO) {
    X_WO = Pose(X_WO.rotation(), X_WO.translation() + vector(noise.object_position));
  }
}

}  // namespace understudy
