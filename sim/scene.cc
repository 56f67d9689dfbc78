#include "sim/scene.h"

#include <fmt/format.h>
#include <mujoco/mujoco.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "core/base/error.h"
#include "core/base/json.h"
#include "sim/home_note.h"
#include "sim/model_index.h"
#include "sim/mujoco_guard.h"
#include "sim/mujoco_pose.h"
#include "sim/scene_files.h"
#include "sim/shapes.h"
#include "sim/world.h"

namespace understudy {
namespace {

struct SpecDeleter {
  void operator()(mjSpec* spec) const { mj_deleteSpec(spec); }
};
using SpecPtr = std::unique_ptr<mjSpec, SpecDeleter>;

// What an arm includes as gripper/…: the files of the gripper that it carries.
class IncludedFiles {
 public:
  explicit IncludedFiles(const GripperFiles& gripper) {
    mj_defaultVFS(&files_);
    for (const auto& [name, as_written] : gripper.texts()) {
      const std::string text = gripper.Included(name), file = "gripper/" + name;
      mj_addBufferVFS(&files_, file.c_str(), text.data(), static_cast<int>(text.size()));
    }
  }
  ~IncludedFiles() { mj_deleteVFS(&files_); }
  IncludedFiles(const IncludedFiles&) = delete;
  IncludedFiles& operator=(const IncludedFiles&) = delete;
  const mjVFS* get() const { return &files_; }

 private:
  mjVFS files_;
};

// Reads one MJCF file; `included` may be null.
SpecPtr ParseMjcf(const std::filesystem::path& file, const mjVFS* included) {
  if (!std::filesystem::is_regular_file(file)) {
    ThrowBadInput(fmt::format("{}: no such MJCF file", file.string()));
  }
  char error[1000] = "";
  // from a relative path MuJoCo does not find the meshes of included files
  const std::filesystem::path whole = std::filesystem::absolute(file);
  SpecPtr spec(mj_parseXML(whole.c_str(), included, error, sizeof(error)));
  if (spec) return spec;
  std::string what = error;
  what.erase(what.find_last_not_of('\n') + 1);
  // messages are one line each; what is included has no line numbers
  std::replace(what.begin(), what.end(), '\n', ' ');
  constexpr std::string_view kNoLine = ", line 0";
  if (const size_t at = what.find(kNoLine); at != std::string::npos) {
    what.replace(at, kNoLine.size(), " of a file that it includes");
  }
  if (included != nullptr && what.find("repeated name") != std::string::npos) {
    what += ": the parts of an arm and of its gripper need different names";
  }
  ThrowBadInput(fmt::format("{}: {}", file.string(), what));
}

// Puts the robot's first body into the world at X_WB, its names prefixed.
void AttachRobot(mjSpec* scene, mjSpec* robot, const std::filesystem::path& file,
                 const std::string& prefix, const Pose& X_WB) {
  mjsElement* base = mjs_firstChild(mjs_findBody(robot, "world"), mjOBJ_BODY, 0);
  if (base == nullptr) ThrowBadInput(fmt::format("{}: holds no body", file.string()));
  mjsFrame* frame = mjs_addFrame(mjs_findBody(scene, "world"), nullptr);
  PutPose(X_WB, frame->pos, frame->quat);
  if (mjs_attach(frame->element, base, prefix.c_str(), "") == nullptr) {
    ThrowBadInput(fmt::format("{}: {}", file.string(), mjs_getError(scene)));
  }
}

// Gives the robot's position servos the gains of robot.yaml.
void SetGains(mjSpec* spec, const RobotSpec& robot) {
  const auto of = [](const std::vector<double>& gains, size_t joint) {
    return gains[gains.size() == 1 ? 0 : joint];
  };
  for (mjsElement* e = mjs_firstElement(spec, mjOBJ_ACTUATOR); e; e = mjs_nextElement(spec, e)) {
    mjsActuator* actuator = mjs_asActuator(e);
    if (actuator->trntype != mjTRN_JOINT || actuator->biastype != mjBIAS_AFFINE) continue;
    const auto joint =
        std::find(robot.joints.begin(), robot.joints.end(), mjs_getString(actuator->target));
    if (joint == robot.joints.end()) continue;
    const auto i = static_cast<size_t>(joint - robot.joints.begin());
    if (!robot.servo.kp.empty()) {
      actuator->gainprm[0] = of(robot.servo.kp, i);
      actuator->biasprm[1] = -actuator->gainprm[0];
    }
    if (!robot.servo.kd.empty()) actuator->biasprm[2] = -of(robot.servo.kd, i);
  }
}

// A joint without limits has none to inherit.
void CheckInherited(mjSpec* spec, const std::filesystem::path& file) {
  for (mjsElement* e = mjs_firstElement(spec, mjOBJ_ACTUATOR); e; e = mjs_nextElement(spec, e)) {
    const mjsActuator* actuator = mjs_asActuator(e);
    if (actuator->trntype != mjTRN_JOINT || actuator->inheritrange <= 0) continue;
    const std::string name = mjs_getString(actuator->target);
    mjsElement* joint = mjs_findElement(spec, mjOBJ_JOINT, name.c_str());
    if (joint == nullptr) continue;
    const double* range = mjs_asJoint(joint)->range;
    if (range[0] != range[1]) continue;
    ThrowBadInput(
        fmt::format("{}: joint '{}' has no limits that its servo could inherit (`inheritrange`): "
                    "give the joint a `range`, or the servo a `ctrlrange` instead",
                    file.string(), name));
  }
}

// The composed model as text.
std::string SaveText(const mjSpec* spec) {
  char error[1000] = "";
  std::string text(size_t{1} << 16, '\0');
  while (true) {
    const int rc =
        mj_saveXMLString(spec, text.data(), static_cast<int>(text.size()), error, sizeof(error));
    if (rc == 0) break;
    if (rc < 0) ThrowFailed(fmt::format("the composed model cannot be written: {}", error));
    text.resize(static_cast<size_t>(rc) + 1);
  }
  text.resize(text.find('\0') == std::string::npos ? text.size() : text.find('\0'));
  return text;
}

// Names of the joints in the composed scene.
std::vector<std::string> Prefixed(const std::string& arm, const std::vector<std::string>& joints) {
  std::vector<std::string> names;
  for (const std::string& joint : joints) names.push_back(arm + "_" + joint);
  return names;
}

// By object, whether a predicate asks for its grasp, or for that of its body.
std::vector<uint8_t> AskedGrasps(const TaskSpec& task) {
  std::vector<uint8_t> asked;
  bool any = false;
  for (const auto& [name, object] : task.objects) {
    asked.push_back(0);
    for (const auto& [key, predicate] : task.predicates) {
      const auto* grasp = std::get_if<GraspedPredicate>(&predicate);
      if (grasp == nullptr || (grasp->object != name && grasp->object != object.body)) continue;
      asked.back() = 1;
      any = true;
    }
  }
  if (!any) asked.clear();
  return asked;
}

SimulatorInfo MakeInfo(const TaskSpec& task, const RobotSpec& robot) {
  SimulatorInfo info;
  info.task = task.name;
  info.robot = robot.name;
  info.instruction = task.instruction;
  for (const auto& [name, variant] : task.variants) info.variants.push_back(name);
  info.X_WB.clear();
  for (const ArmPlacement& arm : task.arms) {
    info.arms.push_back(ArmName(info.arms.size()));
    info.X_WB.push_back(arm.X_WB * robot.X_PB);
  }
  for (const std::string& arm : info.arms) {
    info.joint_names.push_back(Prefixed(arm, robot.joints));
    info.gripper_joint_names.push_back(Prefixed(arm, robot.gripper.joints));
  }
  info.objects = task.object_names();
  info.signals = task.signal_names();
  info.cameras = task.cameras;
  info.action_kind = robot.action;
  info.control_hz = task.control_hz;
  info.substeps = task.substeps();
  info.horizon = task.horizon;
  info.limits = robot.limits();
  info.workspace_radius = robot.reach;
  info.safety = robot.safety;
  if (robot.joints.size() < 6) info.tilt = robot.tilt;
  info.gripper_symmetry = robot.gripper.symmetry;
  info.asked_grasps = AskedGrasps(task);
  return info;
}

// Where E should stand and does not; none where it is right.
std::optional<std::string> NoteOnSite(const OpenHand& hand, const GripperSpec& gripper) {
  constexpr double kAlong = 0.7;    // cos 45 degrees
  constexpr double kBetween = 0.1;  // of the way from pad to pad
  const Eigen::Vector3d &left = hand.left_pads_E, &right = hand.right_pads_E, way = right - left;
  const double at = -left.x() / way.x();
  if (std::abs(way.x()) > kAlong * way.norm() && at > kBetween && at < 1 - kBetween) return {};
  const auto text = [](const Eigen::Vector3d& p) {
    return fmt::format("[{:.3f}, {:.3f}, {:.3f}]", p.x(), p.y(), p.z());
  };
  return fmt::format(
      "gripper '{}': in the frame of site '{}' its open pads stand at {} and {} m: move the site "
      "between them and turn it until they close along its x, with its z out of the hand",
      gripper.name, gripper.control_site, text(left), text(right));
}

// What to know of the robot before it is used, a sentence each.
std::vector<std::string> NotesOn(const mjModel& model, const ModelIndex& index,
                                 const OpenHand& hand, const GripperSpec& gripper) {
  std::vector<std::string> notes;
  std::vector<std::string> free;
  for (const int joint : index.arms[0].joints) {
    if (!model.jnt_limited[joint]) free.push_back(mj_id2name(&model, mjOBJ_JOINT, joint));
  }
  if (!free.empty()) {
    notes.push_back(fmt::format(
        "joints without limits are taken to turn 360 degrees to either side: {}; a `range` in the "
        "robot's model.xml says what they can do",
        fmt::join(free, ", ")));
  }
  constexpr double kSameOpening = 0.005;  // m: pads are rounded, data sheets too
  const double opening = index.arms[0].gripper.opening;
  if (std::abs(opening - gripper.max_opening) > kSameOpening) {
    notes.push_back(fmt::format(
        "gripper '{}': max_opening is {:.4g} m, but commanded open its pads stand {:.4g} m apart: "
        "mend it in gripper.yaml, or the `ctrlrange` of its actuators, the `range` of its joints "
        "or the names of its pads",
        gripper.name, gripper.max_opening, opening));
  }
  if (const auto note = NoteOnSite(hand, gripper)) notes.push_back(*note);
  return notes;
}

}  // namespace

std::shared_ptr<const Scene> Scene::Compile(const TaskSpec& task, const RobotSpec& robot) {
  InstallMujocoHandlers();
  const std::filesystem::path scene_file = task.folder / task.scene;
  const std::filesystem::path robot_file = robot.folder / robot.model;

  SimulatorInfo info = MakeInfo(task, robot);

  // compose: the arms with their grippers stand in the scene, the task sets the physics step
  SpecPtr spec = ParseMjcf(scene_file, nullptr);
  const auto gripper = std::make_shared<const GripperFiles>(robot);
  const IncludedFiles included(*gripper);
  const SpecPtr robot_spec = ParseMjcf(robot_file, included.get());
  SetGains(robot_spec.get(), robot);
  CheckInherited(robot_spec.get(), robot_file);
  std::vector<SceneFile> files = SceneFilesOf(task, robot, *gripper, spec.get(), robot_spec.get());
  mjs_setDeepCopy(spec.get(), 1);
  for (size_t i = 0; i < task.arms.size(); ++i) {
    AttachRobot(spec.get(), robot_spec.get(), robot_file, info.arms[i] + "_", info.base(i));
  }
  spec->option.timestep = task.physics_timestep;
  // a state that went bad is reported, not silently replaced
  spec->option.disableflags |= mjDSBL_AUTORESET;

  const std::shared_ptr<Scene> scene(new Scene);
  scene->spec_ = spec.release();
  scene->CompileSpec(fmt::format("{} with {}", scene_file.string(), robot_file.string()));

  // every name must mean something
  Problems problems = Validate(task);
  const ModelIndex index = IndexModel(*scene->model_, task, robot, &problems);
  if (!index.arms.empty()) CheckDrives(*scene->model_, index, &problems);
  if (!problems.empty()) {
    ThrowBadInput(fmt::format("task '{}' ({}) with robot '{}': {}", task.name, scene_file.string(),
                              robot.name, fmt::join(problems, "; ")));
  }

  scene->task_ = task;
  scene->robot_ = robot;
  scene->info_ = std::move(info);
  for (const ObjectIndex& object : index.objects) {
    scene->info_.object_trees.push_back(scene->model_->body_rootid[object.body]);
  }
  const OpenHand hand = FindOpenHand(*scene->model_, index, 0);
  scene->info_.notes = NotesOn(*scene->model_, index, hand, robot.gripper);
  scene->info_.open_fingers_E = hand.fingers_E;
  scene->info_.open_hand_E = hand.shapes_E;
  scene->SetStateSizes();
  scene->shorten_ = [gripper](std::string text) { return gripper->WithoutFolder(std::move(text)); };
  scene->files_ = std::move(files);
  scene->inventory_ = MakePhysicsInventory(*scene->model_, index, task, scene->info_);
  if (const auto note = NoteOnHome(scene)) scene->info_.notes.push_back(*note);
  if (const auto note = NoteOnHold(*scene)) scene->info_.notes.push_back(*note);
  return scene;
}

std::shared_ptr<const Scene> Scene::Vary(const std::shared_ptr<const Scene>& nominal,
                                         const PhysicsVariation& variation) {
  const PhysicsVariation edits = EffectiveEdits(variation, nominal->inventory_);
  if (edits.edits.empty()) return nominal;
  const std::shared_ptr<Scene> scene(new Scene);
  scene->task_ = nominal->task_;
  scene->robot_ = nominal->robot_;
  scene->info_ = nominal->info_;
  scene->inventory_ = nominal->inventory_;
  scene->files_ = nominal->files_;
  scene->shorten_ = nominal->shorten_;
  {
    const std::lock_guard lock(nominal->mutex_);
    scene->spec_ = mj_copySpec(nominal->spec_);
  }
  if (scene->spec_ == nullptr) ThrowFailed("MuJoCo: no memory for the parts of the scene");
  EditWorld(edits, nominal->robot_.X_PB,
            {scene->spec_, nominal->model_, &scene->task_, &scene->info_, scene->parts_.get()});
  const std::string name = fmt::format("task '{}' in a varied world", nominal->task_.name);
  scene->CompileSpec(name);
  if (ShiftCentres(edits, *scene->model_, scene->spec_)) scene->CompileSpec(name);
  scene->SetStateSizes();
  scene->info_.own_states = scene->info_.state_size != nominal->info_.state_size;
  return scene;
}

void Scene::SetStateSizes() {
  info_.flat_state_size = static_cast<size_t>(1 + model_->nq + model_->nv);
  // integration state, gripper command per arm, one counter per predicate
  info_.state_size = static_cast<size_t>(mj_stateSize(model_, mjSTATE_INTEGRATION)) +
                     info_.arms.size() + task_.predicates.size();
}

void Scene::CompileSpec(const std::string& name) {
  mjModel* compiled = mj_compile(spec_, nullptr);
  if (compiled == nullptr) {
    // messages are one line each
    std::string what = mjs_getError(spec_);
    std::replace(what.begin(), what.end(), '\n', ' ');
    ThrowBadInput(fmt::format("{}: {}", name, what));
  }
  if (model_ != nullptr) mj_deleteModel(model_);
  model_ = compiled;
}

const std::string& Scene::model_text() const {
  const std::lock_guard lock(mutex_);
  if (model_text_.empty()) model_text_ = shorten_(SaveText(spec_));
  return model_text_;
}

Scene::Scene() : parts_(std::make_unique<WorldParts>()) {}

Scene::~Scene() {
  if (model_ != nullptr) mj_deleteModel(model_);
  if (spec_ != nullptr) mj_deleteSpec(spec_);
}

}  // namespace understudy
