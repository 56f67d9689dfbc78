#include "sim/model_index.h"

#include <algorithm>

namespace understudy {
namespace {

constexpr size_t kMaxArms = 8;  // a bit each in ContactSummary

// Finds names and reports those that are missing.
class Finder {
 public:
  Finder(const mjModel& model, Problems* problems) : model_(model), problems_(*problems) {}

  int Find(const std::string& path, mjtObj type, const std::string& name) {
    const int id = mj_name2id(&model_, type, name.c_str());
    if (id < 0) {
      Complain(path, UnknownName(mju_type2Str(type), name, ModelNames(model_, type)));
    }
    return id;
  }
  void Complain(const std::string& path, const std::string& what) {
    problems_.push_back(path + ": " + what);
  }

 private:
  const mjModel& model_;
  Problems& problems_;
};

// The actuator that drives `joint`; -1 if there is none.
int ActuatorOf(const mjModel& model, int joint) {
  for (int i = 0; i < model.nu; ++i) {
    if (model.actuator_trntype[i] == mjTRN_JOINT && model.actuator_trnid[2 * i] == joint) return i;
  }
  return -1;
}

// `home` is the path of its posture in the task, for messages.
ArmIndex IndexArm(const mjModel& model, const ArmPlacement& placement, const std::string& home,
                  const RobotSpec& robot, const std::string& name, Finder& find) {
  ArmIndex arm;
  arm.name = name;
  const std::string prefix = name + "_";
  arm.home = placement.home.empty() ? robot.home : placement.home;
  if (arm.home.size() != robot.joints.size()) {
    find.Complain(home,
                  fmt::format("{} angles for {} joints", arm.home.size(), robot.joints.size()));
  }
  if (robot.joints.size() != 6 && robot.joints.size() != 7) {
    find.Complain("robot.joints", fmt::format("{} joints: the controller drives arms of 6 or 7",
                                              robot.joints.size()));
  }

  // joints of the arm: hinges, each with its own motor
  for (size_t i = 0; i < robot.joints.size(); ++i) {
    const std::string path = fmt::format("robot.joints[{}]", i);
    const int joint = find.Find(path, mjOBJ_JOINT, prefix + robot.joints[i]);
    if (joint < 0) continue;
    const int actuator = ActuatorOf(model, joint);
    if (model.jnt_type[joint] != mjJNT_HINGE) {
      find.Complain(path, fmt::format("'{}' is not a hinge joint", prefix + robot.joints[i]));
    }
    if (actuator < 0 || !model.actuator_ctrllimited[actuator]) {
      find.Complain(
          path, fmt::format("'{}' needs a motor with a ctrlrange (Nm)", prefix + robot.joints[i]));
      continue;
    }
    if (i < arm.home.size() && model.jnt_limited[joint] &&
        (arm.home[i] < model.jnt_range[2 * joint] ||
         arm.home[i] > model.jnt_range[2 * joint + 1])) {
      find.Complain(fmt::format("{}[{}]", home, i),
                    fmt::format("= {} rad lies outside [{}, {}] of {}", arm.home[i],
                                model.jnt_range[2 * joint], model.jnt_range[2 * joint + 1],
                                prefix + robot.joints[i]));
    }
    arm.joints.push_back(joint);
    arm.dofs.push_back(model.jnt_dofadr[joint]);
    arm.qpos.push_back(model.jnt_qposadr[joint]);
    arm.actuators.push_back(actuator);
  }
  if (!arm.joints.empty()) arm.base_body = model.body_rootid[model.jnt_bodyid[arm.joints[0]]];
  arm.site =
      find.Find("robot.gripper.control_site", mjOBJ_SITE, prefix + robot.gripper.control_site);
  if (arm.site >= 0) arm.site_body = model.site_bodyid[arm.site];

  // fingers: position actuators whose range runs from closed to open
  for (const std::string& joint_name : robot.gripper.joints) {
    const int joint = find.Find("robot.gripper.joints", mjOBJ_JOINT, prefix + joint_name);
    if (joint < 0) continue;
    arm.finger_joints.push_back(joint);
    arm.finger_dofs.push_back(model.jnt_dofadr[joint]);
    arm.finger_qpos.push_back(model.jnt_qposadr[joint]);
  }
  const std::string actuator_prefix = prefix + robot.gripper.actuator_prefix;
  for (int i = 0; i < model.nu; ++i) {
    const char* actuator = mj_id2name(&model, mjOBJ_ACTUATOR, i);
    if (actuator == nullptr || !std::string(actuator).starts_with(actuator_prefix)) continue;
    if (!model.actuator_ctrllimited[i]) {
      find.Complain("robot.gripper.actuator_prefix",
                    fmt::format("'{}' needs a ctrlrange of [closed, open]", actuator));
    }
    arm.finger_actuators.push_back(i);
  }
  if (arm.finger_actuators.empty()) {
    find.Complain("robot.gripper.actuator_prefix",
                  fmt::format("no actuator's name starts with '{}'", actuator_prefix));
  }
  return arm;
}

// Marks the geoms of an arm's pads, fingers and links.
void MarkGeoms(const mjModel& model, const RobotSpec& robot, int8_t arm, Finder& find,
               ModelIndex* index) {
  const std::string prefix = index->arms[arm].name + "_";
  const auto mark_pads = [&](const char* path, const std::vector<std::string>& names,
                             int8_t GeomRole::*role) {
    if (names.empty()) find.Complain(path, "at least one geom");
    for (const std::string& name : names) {
      const int geom = find.Find(path, mjOBJ_GEOM, prefix + name);
      if (geom >= 0) index->geoms[geom].*role = arm;
    }
  };
  mark_pads("robot.gripper.left_pads", robot.gripper.left_pads, &GeomRole::left_pad_of);
  mark_pads("robot.gripper.right_pads", robot.gripper.right_pads, &GeomRole::right_pad_of);
  std::vector<int> link_bodies;
  for (const std::string& name : robot.link_bodies) {
    const int body = find.Find("robot.link_bodies", mjOBJ_BODY, prefix + name);
    if (body >= 0) link_bodies.push_back(body);
  }
  std::vector<int> finger_bodies;
  for (const int joint : index->arms[arm].finger_joints) {
    finger_bodies.push_back(model.jnt_bodyid[joint]);
  }
  const auto has = [](const std::vector<int>& list, int value) {
    return std::find(list.begin(), list.end(), value) != list.end();
  };
  for (int geom = 0; geom < model.ngeom; ++geom) {
    const int body = model.geom_bodyid[geom];
    if (has(link_bodies, body)) index->geoms[geom].link_of = arm;
    if (has(finger_bodies, body)) index->geoms[geom].finger_of = arm;
  }
}

}  // namespace

std::vector<std::string> ModelNames(const mjModel& model, mjtObj type) {
  const int count = type == mjOBJ_BODY       ? static_cast<int>(model.nbody)
                    : type == mjOBJ_JOINT    ? static_cast<int>(model.njnt)
                    : type == mjOBJ_GEOM     ? static_cast<int>(model.ngeom)
                    : type == mjOBJ_SITE     ? static_cast<int>(model.nsite)
                    : type == mjOBJ_CAMERA   ? static_cast<int>(model.ncam)
                    : type == mjOBJ_ACTUATOR ? static_cast<int>(model.nu)
                                             : 0;
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) {
    if (const char* name = mj_id2name(&model, type, i); name != nullptr) names.push_back(name);
  }
  return names;
}

std::string ModelName(const mjModel& model, mjtObj type, int id) {
  const char* name = mj_id2name(&model, type, id);
  return name != nullptr ? fmt::format("{} '{}'", mju_type2Str(type), name)
                         : fmt::format("{} {}", mju_type2Str(type), id);
}

int ModelIndex::ObjectOf(const std::string& name) const {
  const auto found = std::find_if(objects.begin(), objects.end(),
                                  [&](const ObjectIndex& object) { return object.name == name; });
  return found == objects.end() ? -1 : static_cast<int>(found - objects.begin());
}

std::string ArmName(size_t arm) { return fmt::format("robot{}", arm); }

ModelIndex IndexModel(const mjModel& model, const TaskSpec& task, const RobotSpec& robot,
                      Problems* problems) {
  ModelIndex index;
  Finder find(model, problems);
  index.geoms.resize(model.ngeom);
  const std::vector<ArmPlacement>& arms = task.arms;
  if (arms.size() > kMaxArms) {
    find.Complain("further_arms", fmt::format("{} arms: at most {}", arms.size(), kMaxArms));
    return index;
  }
  for (size_t i = 0; i < arms.size(); ++i) {
    const std::string home = i == 0 ? "home" : fmt::format("further_arms[{}].home", i - 1);
    index.arms.push_back(IndexArm(model, arms[i], home, robot, ArmName(i), find));
    MarkGeoms(model, robot, static_cast<int8_t>(i), find, &index);
  }

  // objects: everything below the object's body belongs to it
  for (const auto& [name, spec] : task.objects) {
    const std::string path = fmt::format("objects.{}.body", name);
    ObjectIndex object;
    object.name = name;
    object.radius = spec.radius;
    object.body = find.Find(path, mjOBJ_BODY, spec.body);
    if (object.body >= 0) {
      const int joint = model.body_jntnum[object.body] == 1 ? model.body_jntadr[object.body] : -1;
      if (joint >= 0 && model.jnt_type[joint] == mjJNT_FREE) {
        object.qpos = model.jnt_qposadr[joint];
        object.dof = model.jnt_dofadr[joint];
      }
      object.mocap = model.body_mocapid[object.body];
      if (object.qpos < 0 && object.mocap < 0) {
        find.Complain(path, fmt::format("'{}' cannot be placed: give it a <freejoint/>, or "
                                        "mocap=\"true\" where it must not move",
                                        spec.body));
      }
      for (int geom = 0; geom < model.ngeom; ++geom) {
        int body = model.geom_bodyid[geom];
        while (body > 0 && body != object.body) body = model.body_parentid[body];
        if (body == object.body) {
          index.geoms[geom].object = static_cast<int16_t>(index.objects.size());
        }
      }
    }
    index.objects.push_back(object);
  }

  // predicates about parts of the scene
  for (const auto& [name, predicate] : task.predicates) {
    const std::string path = "predicates." + name;
    if (const auto* contact = std::get_if<ContactPredicate>(&predicate)) {
      for (const std::string& side : {contact->a, contact->b}) {
        if (!task.objects.contains(side)) find.Find(path, mjOBJ_BODY, side);
      }
    }
    if (const auto* joint = std::get_if<JointPredicate>(&predicate)) {
      const int id = find.Find(path, mjOBJ_JOINT, joint->joint);
      if (id >= 0 && model.jnt_type[id] != mjJNT_HINGE && model.jnt_type[id] != mjJNT_SLIDE) {
        find.Complain(path, fmt::format("'{}' has no single angle or length", joint->joint));
      }
    }
    const auto* near = std::get_if<NearPredicate>(&predicate);
    if (near && !task.objects.contains(near->object)) find.Find(path, mjOBJ_BODY, near->object);
  }
  for (const std::string& camera : task.cameras) find.Find("cameras", mjOBJ_CAMERA, camera);
  return index;
}

}  // namespace understudy
