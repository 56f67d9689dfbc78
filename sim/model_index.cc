#include "sim/model_index.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace understudy {
namespace {

constexpr size_t kMaxArms = 8;  // as many as a predicate's `arm` counts

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

// What is wrong with the actuator that drives a joint of an arm called `joint`; empty: it is a
// motor that makes the torque that is commanded, or, if it is to be one, a servo that pulls the
// joint to the angle. {} stands for the joint.
std::string ProblemOfDrive(const mjModel& model, int actuator) {
  const mjtNum* gain = model.actuator_gainprm + mjNGAIN * actuator;
  const mjtNum* bias = model.actuator_biasprm + mjNBIAS * actuator;
  const bool servo = IsServo(model, actuator);
  const bool plain =
      model.actuator_gaintype[actuator] == mjGAIN_FIXED &&
      model.actuator_dyntype[actuator] == mjDYN_NONE &&
      (servo ? bias[0] == 0 && std::abs(gain[0] + bias[1]) <= 1e-9 * std::abs(gain[0])
             : model.actuator_biastype[actuator] == mjBIAS_NONE);
  if (!plain) {
    return "what drives {} is neither a <motor> nor a <position> servo without `timeconst`, which "
           "alone can be commanded to hold a posture";
  }
  const mjtNum gear = model.actuator_gear[6 * actuator];
  if (servo && gear != 1) {
    return fmt::format("the servo of {{}} has gear {:g}: its targets are angles of the joint",
                       gear);
  }
  if (!servo && gear * gain[0] != 1) {
    return fmt::format(
        "the motor of {{}} makes {:g} Nm of a command of 1 (gear, gain): commands are Nm; give it "
        "gear 1 and a ctrlrange in Nm",
        gear * gain[0]);
  }
  if (!servo && !model.actuator_ctrllimited[actuator]) {
    return "the motor of {} needs a ctrlrange (Nm)";
  }
  return "";
}

// `home` is the path of its posture in the task, for messages; `fingers` takes their actuators.
ArmIndex IndexArm(const mjModel& model, const ArmPlacement& placement, const std::string& home,
                  const RobotSpec& robot, const std::string& name, Finder& find,
                  std::vector<int>* fingers) {
  ArmIndex arm;
  arm.name = name;
  const std::string prefix = name + "_";
  arm.home = placement.home.empty() ? robot.home : placement.home;
  if (arm.home.size() != robot.joints.size()) {
    find.Complain(home,
                  fmt::format("{} angles for {} joints", arm.home.size(), robot.joints.size()));
  }
  if (robot.joints.size() < 5 || robot.joints.size() > 7) {
    find.Complain("robot.joints", fmt::format("{} joints: the controller drives arms of 5 to 7",
                                              robot.joints.size()));
  }

  // joints of the arm: hinges, each with its own torque motor or, all of them, position servo
  size_t servos = 0;
  for (size_t i = 0; i < robot.joints.size(); ++i) {
    const std::string path = fmt::format("robot.joints[{}]", i);
    const int joint = find.Find(path, mjOBJ_JOINT, prefix + robot.joints[i]);
    if (joint < 0) continue;
    const int actuator = ActuatorOf(model, joint);
    if (model.jnt_type[joint] != mjJNT_HINGE) {
      find.Complain(path, fmt::format("'{}' is not a hinge joint", prefix + robot.joints[i]));
    }
    if (actuator < 0) {
      find.Complain(path, fmt::format("'{}' needs a <motor> with a ctrlrange (Nm) or a <position> "
                                      "servo: nothing would hold it",
                                      prefix + robot.joints[i]));
      continue;
    }
    servos += IsServo(model, actuator);
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
  arm.is_servo = servos > 0;
  if (servos > 0 && servos < arm.joints.size()) {
    find.Complain("robot.joints",
                  fmt::format("{} of {} are driven by <position> servos: either all "
                              "are or none",
                              servos, arm.joints.size()));
  }
  if (servos == 0 && !arm.joints.empty() && !(robot.servo.kp.empty() && robot.servo.kd.empty())) {
    find.Complain("robot.servo", "its joints have motors, not <position> servos");
  }
  if (!arm.joints.empty()) arm.base_body = model.body_rootid[model.jnt_bodyid[arm.joints[0]]];
  arm.site =
      find.Find("robot.gripper.control_site", mjOBJ_SITE, prefix + robot.gripper.control_site);
  if (arm.site >= 0) arm.site_body = model.site_bodyid[arm.site];

  // fingers
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
                    fmt::format("'{}' needs a ctrlrange between closed and open", actuator));
    }
    fingers->push_back(i);
  }
  if (fingers->empty()) {
    find.Complain("robot.gripper.actuator_prefix",
                  fmt::format("no actuator's name starts with '{}'. Known: {}", actuator_prefix,
                              fmt::join(ModelNames(model, mjOBJ_ACTUATOR), ", ")));
  }
  return arm;
}

// How its gripper is driven, where all its parts are there.
void FindGripper(const mjModel& model, int8_t arm, const std::vector<int>& actuators,
                 ModelIndex* index, Problems* problems) {
  const std::vector<int>& joints = index->arms[arm].joints;
  if (joints.empty()) return;
  GripperParts parts{
      model.jnt_bodyid[joints.back()], index->arms[arm].finger_joints, actuators, {}, {}};
  for (int geom = 0; geom < model.ngeom; ++geom) {
    if (index->geoms[geom].left_pad_of == arm) parts.left_pads.push_back(geom);
    if (index->geoms[geom].right_pad_of == arm) parts.right_pads.push_back(geom);
  }
  const bool ranged =
      std::all_of(actuators.begin(), actuators.end(),
                  [&](int actuator) { return model.actuator_ctrllimited[actuator] != 0; });
  const bool whole = ranged && !parts.joints.empty() && !parts.actuators.empty() &&
                     !parts.left_pads.empty() && !parts.right_pads.empty();
  if (whole) index->arms[arm].gripper = FindGripperDrive(model, parts, problems);
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
      if (geom < 0) continue;
      // a pad is part of a finger, also of one that does not move
      index->geoms[geom].*role = arm;
      index->geoms[geom].finger_of = arm;
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

ObjectIndex IndexObject(const mjModel& model, const std::string& name, const TaskObject& spec,
                        const TaskSpec& task, Finder& find) {
  const std::string path = fmt::format("objects.{}.body", name);
  ObjectIndex object;
  object.name = name;
  object.radius = spec.radius;
  object.body = find.Find(path, mjOBJ_BODY, spec.body);
  if (object.body < 0) return object;
  const int joint = model.body_jntnum[object.body] == 1 ? model.body_jntadr[object.body] : -1;
  if (joint >= 0 && model.jnt_type[joint] == mjJNT_FREE) {
    object.qpos = model.jnt_qposadr[joint];
    object.dof = model.jnt_dofadr[joint];
  }
  object.mocap = model.body_mocapid[object.body];
  for (const auto& [variant_name, variant] : task.variants) {
    const bool placed = PlacementOf(variant, name) != nullptr;
    if (placed && object.is_part()) {
      find.Complain(path, fmt::format("'{}' cannot be placed: give it a <freejoint/>, or "
                                      "mocap=\"true\" where it must not move; a part that hangs "
                                      "from another body is left out of the variants",
                                      spec.body));
      break;
    }
    if (!placed && !object.is_part()) {
      find.Complain(fmt::format("variants.{}.objects", variant_name),
                    fmt::format("object '{}' is not placed", name));
    }
  }
  return object;
}

// The joint that a variant starts somewhere: of that name, or the only one of the part of that
// name; -1: none.
int StartedJoint(const mjModel& model, const TaskSpec& task, const std::string& name) {
  const auto object = task.objects.find(name);
  if (object == task.objects.end()) return mj_name2id(&model, mjOBJ_JOINT, name.c_str());
  const int body = mj_name2id(&model, mjOBJ_BODY, object->second.body.c_str());
  return body >= 0 && model.body_jntnum[body] == 1 ? model.body_jntadr[body] : -1;
}

// Resolves the joints that variants start somewhere.
void IndexStartedJoints(const mjModel& model, const TaskSpec& task, Finder& find,
                        ModelIndex* index) {
  const auto is_robots = [&](int joint) {
    return std::any_of(index->arms.begin(), index->arms.end(), [&](const ArmIndex& arm) {
      return arm.base_body >= 0 && InSubtree(model, model.jnt_bodyid[joint], arm.base_body);
    });
  };
  for (const auto& [variant_name, variant] : task.variants) {
    for (const auto& [name, range] : variant.objects) {
      if (!range.joint) continue;
      const std::string path = fmt::format("variants.{}.objects.{}.joint", variant_name, name);
      const int joint = StartedJoint(model, task, name);
      if (joint < 0) {
        if (task.objects.contains(name)) {
          find.Complain(
              path, fmt::format("'{}' is not moved by one joint: name the joint instead", name));
        } else {
          find.Find(path, mjOBJ_JOINT, name);
        }
        continue;
      }
      const mjtNum* limits = model.jnt_range + 2 * joint;
      if (model.jnt_type[joint] != mjJNT_HINGE && model.jnt_type[joint] != mjJNT_SLIDE) {
        find.Complain(path, fmt::format("'{}' has no single angle or length", name));
      } else if (is_robots(joint)) {
        find.Complain(path,
                      fmt::format("'{}' is a joint of the robot, which starts at `home`", name));
      } else if (model.jnt_limited[joint] &&
                 ((*range.joint)[0] < limits[0] || (*range.joint)[1] > limits[1])) {
        find.Complain(
            path, fmt::format("[{}, {}] leaves [{}, {}], the range of the joint", (*range.joint)[0],
                              (*range.joint)[1], limits[0], limits[1]));
      } else {
        index->started_joints[name] = model.jnt_qposadr[joint];
      }
    }
  }
}

}  // namespace

bool IsServo(const mjModel& model, int actuator) {
  return model.actuator_biastype[actuator] == mjBIAS_AFFINE &&
         model.actuator_biasprm[mjNBIAS * actuator + 1] < 0;
}

bool Touches(const mjModel& model, int geom) {
  return model.geom_contype[geom] != 0 || model.geom_conaffinity[geom] != 0;
}

std::vector<int> StandingCameras(const mjModel& model, const std::vector<std::string>& cameras) {
  std::vector<int> standing;
  for (const std::string& camera : cameras) {
    const int id = mj_name2id(&model, mjOBJ_CAMERA, camera.c_str());
    if (id >= 0 && model.body_weldid[model.cam_bodyid[id]] == 0) standing.push_back(id);
  }
  return standing;
}

bool InSubtree(const mjModel& model, int body, int root) {
  while (body > 0 && body != root) body = model.body_parentid[body];
  return body == root;
}

int BodyCalled(const mjModel& model, const TaskSpec& task, const std::string& name) {
  const auto object = task.objects.find(name);
  const std::string& body = object == task.objects.end() ? name : object->second.body;
  return mj_name2id(&model, mjOBJ_BODY, body.c_str());
}

void CheckDrives(const mjModel& model, const ModelIndex& index, Problems* problems) {
  // all arms are of one robot; what is wrong with several joints alike is one sentence
  const ArmIndex& arm = index.arms[0];
  std::vector<std::pair<std::string, std::vector<size_t>>> found;  // problem, joints
  for (size_t i = 0; i < arm.joints.size(); ++i) {
    const std::string problem = ProblemOfDrive(model, arm.actuators[i]);
    if (problem.empty()) continue;
    const auto known = std::find_if(found.begin(), found.end(),
                                    [&](const auto& entry) { return entry.first == problem; });
    if (known == found.end()) {
      found.push_back({problem, {i}});
    } else {
      known->second.push_back(i);
    }
  }
  for (const auto& [problem, joints] : found) {
    std::vector<std::string> names;
    for (const size_t i : joints) {
      names.push_back(fmt::format("'{}'", mj_id2name(&model, mjOBJ_JOINT, arm.joints[i])));
    }
    const std::string path =
        names.size() > 1 ? "robot.joints" : fmt::format("robot.joints[{}]", joints[0]);
    problems->push_back(
        path + ": " +
        fmt::format(fmt::runtime(problem), fmt::format("{}", fmt::join(names, ", "))));
  }
}

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

std::string NameOfBody(const mjModel& model, int body) {
  const char* name = mj_id2name(&model, mjOBJ_BODY, body);
  return name != nullptr ? name : ModelName(model, mjOBJ_BODY, body);
}

std::string ModelName(const mjModel& model, mjtObj type, int id) {
  const char* name = mj_id2name(&model, type, id);
  return name != nullptr ? fmt::format("{} '{}'", mju_type2Str(type), name)
                         : fmt::format("{} {}", mju_type2Str(type), id);
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
    std::vector<int> fingers;
    index.arms.push_back(IndexArm(model, arms[i], home, robot, ArmName(i), find, &fingers));
    MarkGeoms(model, robot, static_cast<int8_t>(i), find, &index);
    FindGripper(model, static_cast<int8_t>(i), fingers, &index, problems);
  }

  for (const auto& [name, spec] : task.objects) {
    index.objects.push_back(IndexObject(model, name, spec, task, find));
  }
  IndexStartedJoints(model, task, find, &index);

  // predicates about parts of the scene
  for (const auto& [name, predicate] : task.predicates) {
    const std::string path = "predicates." + name;
    for (const std::string& body : BodiesOf(predicate)) {
      if (task.objects.contains(body) || mj_name2id(&model, mjOBJ_BODY, body.c_str()) >= 0)
        continue;
      std::vector<std::string> known = task.object_names();
      for (const std::string& other : ModelNames(model, mjOBJ_BODY)) known.push_back(other);
      find.Complain(path, UnknownName("object or body", body, known));
    }
    if (const auto* joint = std::get_if<JointPredicate>(&predicate)) {
      const int id = find.Find(path, mjOBJ_JOINT, joint->joint);
      if (id >= 0 && model.jnt_type[id] != mjJNT_HINGE && model.jnt_type[id] != mjJNT_SLIDE) {
        find.Complain(path, fmt::format("'{}' has no single angle or length", joint->joint));
      }
    }
  }
  for (const std::string& camera : task.cameras) find.Find("cameras", mjOBJ_CAMERA, camera);
  return index;
}

}  // namespace understudy
