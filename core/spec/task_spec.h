#pragma once

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/options.h"
#include "core/geometry/pose.h"
#include "core/spec/foreign_names.h"

namespace understudy {

// ---- predicates: named questions about the scene, asked once per policy step -------------------

// What a predicate calls an object may also be a body of scene.xml.

// Both finger sides touch the object.
struct GraspedPredicate {
  static constexpr const char* kTag = "grasped";
  std::string object;
  int arm = 0;
  template <class V>
  void Visit(V& v) {
    v("object", object, "object or body");
    v("arm", arm, "index", Limits{0, 7});
  }
};
// No finger touches the object.
struct ReleasedPredicate {
  static constexpr const char* kTag = "released";
  std::string object;
  template <class V>
  void Visit(V& v) {
    v("object", object, "object or body");
  }
};
// `object` touches `support`, its origin above the support's and within `max_xy` of it.
struct OnTopPredicate {
  static constexpr const char* kTag = "on_top";
  std::string object, support;
  double max_xy = 0.03;
  double min_dz = 0;
  template <class V>
  void Visit(V& v) {
    v("object", object, "object or body");
    v("support", support, "object or body");
    v("max_xy", max_xy, "m, between the origins", Limits{0, 1});
    v("min_dz", min_dz, "m, of the object's origin above the support's", Limits{-1, 1});
  }
};
// Origin of `object` in the frame of `relative_to` (empty: world) inside a box.
struct InBoxPredicate {
  static constexpr const char* kTag = "in_box";
  std::string object, relative_to;
  Eigen::Vector3d low = Eigen::Vector3d::Constant(-1), high = Eigen::Vector3d::Constant(1);
  template <class V>
  void Visit(V& v) {
    v("object", object, "object or body");
    v("relative_to", relative_to, "object or body whose frame it is; empty: world");
    v("low", low, "m");
    v("high", high, "m");
  }
};
// Two bodies (objects or scene bodies) touch.
struct ContactPredicate {
  static constexpr const char* kTag = "contact";
  std::string a, b;
  template <class V>
  void Visit(V& v) {
    v("a", a, "object or body");
    v("b", b, "object or body");
  }
};
// A scene joint (drawer, hinge, button) stands inside a range.
struct JointPredicate {
  static constexpr const char* kTag = "joint";
  std::string joint;
  double low = -1e9, high = 1e9;
  template <class V>
  void Visit(V& v) {
    v("joint", joint, "name in scene.xml");
    v("low", low, "m or rad");
    v("high", high, "m or rad");
  }
};
// z axis of the object within `max_tilt` of the world's.
struct UprightPredicate {
  static constexpr const char* kTag = "upright";
  std::string object;
  double max_tilt = 0.1;
  template <class V>
  void Visit(V& v) {
    v("object", object, "object or body");
    v("max_tilt", max_tilt, "rad", Limits{0, 3.2});
  }
};
// The hand of `arm` (origin of its frame E) is within `distance` of the origin of `object`.
struct NearPredicate {
  static constexpr const char* kTag = "near";
  std::string object;
  int arm = 0;
  double distance = 0.1;
  template <class V>
  void Visit(V& v) {
    v("object", object, "object or body");
    v("arm", arm, "index", Limits{0, 7});
    v("distance", distance, "m", Limits{0, 10});
  }
};

struct AllPredicate {
  static constexpr const char* kTag = "all";
  std::vector<std::string> of;  // names of other predicates
  template <class V>
  void Visit(V& v) {
    v("of", of, "predicates that must all hold");
  }
};
struct AnyPredicate {
  static constexpr const char* kTag = "any";
  std::vector<std::string> of;
  template <class V>
  void Visit(V& v) {
    v("of", of, "predicates of which one must hold");
  }
};
struct NotPredicate {
  static constexpr const char* kTag = "not";
  std::string of;
  template <class V>
  void Visit(V& v) {
    v("of", of, "predicate that must not hold");
  }
};
// Another predicate has held for the last `steps` policy steps, this one included.
struct HeldPredicate {
  static constexpr const char* kTag = "held";
  std::string of;
  int steps = 10;
  template <class V>
  void Visit(V& v) {
    v("of", of, "predicate");
    v("steps", steps, "policy steps in a row", Limits{1, 10000});
  }
};
using Predicate = std::variant<GraspedPredicate, ReleasedPredicate, OnTopPredicate, InBoxPredicate,
                               ContactPredicate, JointPredicate, UprightPredicate, NearPredicate,
                               AllPredicate, AnyPredicate, NotPredicate, HeldPredicate>;

// ---- reset ranges ------------------------------------------------------------------------------

// Where an object starts, uniformly: offsets from the variant's origin. Equal ends = fixed. Or
// where a joint of the scene (drawer, hinge, button) starts; the rest then says nothing.
struct PlacementRange {
  static constexpr std::array kUnwritten{"joint"};  // same settings, same text
  std::array<double, 2> x{0, 0}, y{0, 0};
  double z = 0;
  std::array<double, 2> yaw{0, 0};
  std::optional<std::array<double, 2>> joint;
  template <class V>
  void Visit(V& v) {
    v("x", x, "m from the origin");
    v("y", y, "m from the origin");
    v("z", z, "m above the origin, of the object's origin");
    v("yaw", yaw, "rad");
    v("joint", joint, "m or rad, of the joint of this name, or of the one that moves this part");
  }
};
struct ResetVariant {
  Eigen::Vector3d origin = Eigen::Vector3d::Zero();
  std::map<std::string, PlacementRange> objects;
  template <class V>
  void Visit(V& v) {
    v("origin", origin, "m, world");
    v("objects", objects, "placement by object, or start by part or joint");
  }
};

// ---- objects and subtasks ----------------------------------------------------------------------

// An object that no variant places is a part: it moves with what it hangs from (a drawer of a
// cabinet, a lid on a hinge, the table).
struct TaskObject {
  std::string body;      // in scene.xml; with a free joint, or a mocap body, where it is placed
  double radius = 0.03;  // m, horizontal: placements keep radii apart
  int symmetry = 1;      // turns about z by 2 pi / symmetry look alike; 0: any turn
  template <class V>
  void Visit(V& v) {
    v("body", body, "body in scene.xml");
    v("radius", radius, "m, for placing without overlap", Limits{0, 2});
    v("symmetry", symmetry, "order of the rotation symmetry about z; 0 = round", Limits{0, 64});
  }
};

// Which source demonstration a subtask is taken from.
struct RandomSelection {
  static constexpr const char* kTag = "random";
  template <class V>
  void Visit(V&) {}
};
// Nearest object pose at the segment's start: |dp| / position_scale + angle / rotation_scale; then
// uniformly among the k best.
struct NearestObjectSelection {
  static constexpr const char* kTag = "nearest_object";
  int k = 3;
  double position_scale = 0.1;
  double rotation_scale = 1;
  template <class V>
  void Visit(V& v) {
    v("k", k, "choose uniformly among the k best", Limits{1, 1000});
    v("position_scale", position_scale, "m that count as one", Limits{1e-6, 1e6});
    v("rotation_scale", rotation_scale, "rad that count as one", Limits{1e-6, 1e6});
  }
};
// Least travel from where the arm is to the transformed segment's first pose.
struct NearestRobotSelection {
  static constexpr const char* kTag = "nearest_robot";
  int k = 3;
  double position_scale = 0.1;
  double rotation_scale = 1;
  template <class V>
  void Visit(V& v) {
    v("k", k, "choose uniformly among the k best", Limits{1, 1000});
    v("position_scale", position_scale, "m that count as one", Limits{1e-6, 1e6});
    v("rotation_scale", rotation_scale, "rad that count as one", Limits{1e-6, 1e6});
  }
};
using Selection = std::variant<NearestObjectSelection, NearestRobotSelection, RandomSelection>;

// What repeats the source's path in a subtask.
enum class Replayed {
  kHand,  // E, as in MimicGen
  kHeld,  // what the hand holds when the subtask begins: a grasp unlike the source's is made up
          // for, also by the way that E takes after letting go. E where it holds nothing then
};
template <>
struct EnumNames<Replayed> {
  static constexpr std::array kNames{"hand", "held"};
};

// How the hand gets from the end of one replayed segment to the beginning of the next.
enum class Transit {
  kBridge,  // interpolated poses, as in MimicGen, whatever stands there
  kPlan,    // a way on which arm and held object touch nothing, as in SkillGen: straight where that
            // is free, else planned; none found ends the attempt
};
template <>
struct EnumNames<Transit> {
  static constexpr std::array kNames{"bridge", "plan"};
};

constexpr int kAllArms = -1;
// Whether arm `i` is among the arms that `arm` means.
inline bool IsMeant(int arm, size_t i) { return arm == kAllArms || arm == static_cast<int>(i); }

// One object-centred piece of the task, and how Mimic treats it.
struct Subtask {
  // settings that came later are written only where they say something: same settings, same text
  static constexpr std::array kUnwritten{
      "arm", "parallel", "replay_until", "transit", "transit_margin", "start_shift", "start_turn"};
  std::string object;
  std::string signal;
  std::array<int, 2> end_offset{0, 0};  // steps added to the end, uniform inclusive; last: 0, 0
  // The arm that does it, as the source's did; the others keep still, with what they hold. -1: all
  // of them move, carried along by one transform.
  int arm = kAllArms;
  // Begins as soon as its own arm is free, while earlier subtasks of other arms continue. All
  // others wait until every earlier subtask has ended.
  bool parallel = false;
  // The segment begins where the source's hand first came this near (m) to the object; a bridge
  // takes the place of the way there, so that every demonstration goes straight. 0: all of it.
  double replay_within = 0;
  // The segment ends where the source's hand has come this far (m) from where its gripper last
  // turned in it; the next transit takes the place of what follows. 0: all of it.
  double replay_until = 0;
  Replayed replay = Replayed::kHand;
  // Grips that look alike (GripperSpec::symmetry) may stand in for the source's, by least travel.
  // What is grasped so has to be carried on with replay = held.
  bool turn_hand = false;
  Selection selection = NearestObjectSelection{};
  double action_noise = 0.05;
  double noise_correlation = 0;  // of one step's noise with the next one's; 0: white. With more
                                 // of it the hand wanders instead of shaking
  Transit transit = Transit::kBridge;
  double transit_margin = 0.01;
  // Where the transit leads: beside the segment's first pose by a shift uniform in +-start_shift
  // (m) per axis of the world and a turn uniform in [0, start_turn] (rad) about any axis; a
  // straight recovery leads back. (Garrett et al., "SkillMimicGen", CoRL 2024: 0.08 m, 80 degrees.)
  double start_shift = 0, start_turn = 0;
  int bridge_steps = 5;
  double bridge_speed = 0.03;
  double bridge_turn = 0.2;
  double bridge_arch = 0;  // m: bridges lead up to this far above their higher end, across
                           // and down; 0: straight
  bool bridge_noise = false;
  double arrival_tolerance = 0.015;
  int arrival_timeout = 10;
  std::string check;
  std::string instruction;
  template <class V>
  void Visit(V& v) {
    v("object", object, "reference object; empty: the world");
    v("signal", signal, "predicate whose rising edge ends it; empty for the last");
    v("end_offset", end_offset, "steps added to its end, [low, high]", Limits{-1000, 1000});
    v("arm", arm, "that does it while the others keep still; -1: all of them", Limits{kAllArms, 7});
    v("parallel", parallel, "begins as soon as its arm is free, whatever the others do");
    v("replay_within", replay_within,
      "m from the object: what the source did farther away becomes "
      "a bridge; 0: replay all of it",
      Limits{0, 10});
    v("replay_until", replay_until,
      "m from where the source's gripper last turned: what it did behind that is left out; 0: "
      "replay all of it",
      Limits{0, 10});
    v("replay", replay, "what repeats the source's path: the hand, or what it holds");
    v("turn_hand", turn_hand, "grips that look alike may stand in for the source's");
    v("selection", selection, "which source demonstration");
    v("action_noise", action_noise, "standard deviation, of the normalised action", Limits{0, 1});
    v("noise_correlation", noise_correlation, "of a step's noise with the next one's; 0: white",
      Limits{0, 0.999});
    v("transit", transit, "what leads to the segment: a bridge, or a planned way");
    v("transit_margin", transit_margin,
      "m that a planned way keeps from everything but where it begins and ends", Limits{0, 0.2});
    v("start_shift", start_shift,
      "m, largest offset per axis of the segment's start from its first pose", Limits{0, 1});
    v("start_turn", start_turn, "rad about any axis, likewise", Limits{0, 3.1415926536});
    v("bridge_steps", bridge_steps, "least number of interpolated poses before the segment",
      Limits{0, 1000});
    v("bridge_speed", bridge_speed, "m per step: longer bridges get more steps", Limits{1e-4, 1});
    v("bridge_turn", bridge_turn, "rad per step", Limits{1e-4, 4});
    v("bridge_arch", bridge_arch, "m above its higher end that a bridge leads over; 0: straight",
      Limits{0, 2});
    v("bridge_noise", bridge_noise, "noise on bridges too");
    v("arrival_tolerance", arrival_tolerance,
      "m to the target, before a gripper event is let through", Limits{0, 1});
    v("arrival_timeout", arrival_timeout, "steps that such an event waits at most",
      Limits{0, 1000});
    v("check", check, "predicate that must hold at its end");
    v("instruction", instruction, "text of the subtask; may be empty");
  }
};

// Where an arm stands, and its posture at reset.
struct ArmPlacement {
  Pose X_WB;
  std::vector<double> home;
  bool operator==(const ArmPlacement&) const = default;
  template <class V>
  void Visit(V& v) {
    v("base", X_WB, "where it stands");
    v("home", home, "rad; empty: the robot's own");
  }
};

// task.yaml, checked: every name refers to something, predicates have no cycle.
struct TaskSpec {
  static constexpr std::array kUnwritten{"further_arms"};  // same settings, same text
  std::string name, description, instruction;
  std::string robot = "panda";
  std::string scene = "scene.xml";
  std::vector<ArmPlacement> arms{1};  // robot0, robot1, …, all of the same robot; never empty
  double control_hz = 20;
  double physics_timestep = 0.002;
  int horizon = 400;
  std::vector<std::string> cameras;
  std::map<std::string, TaskObject> objects;
  std::map<std::string, Predicate> predicates;
  std::string success;
  std::map<std::string, ResetVariant> variants;
  std::vector<Subtask> subtasks;
  std::map<std::string, ForeignTask> foreign;
  std::filesystem::path folder;  // where task.yaml stands; not in the file
  bool listed = true;            // among the listed ones; the same

  int substeps() const { return static_cast<int>(1 / (control_hz * physics_timestep) + 0.5); }
  std::vector<std::string> signal_names() const;  // of the subtasks, in order; then their
                                                  // checks that are no signals
  std::vector<std::string> object_names() const;  // sorted
  template <class V>
  void Visit(V& v) {
    v("name", name, "as in --task");
    v("description", description, "one line");
    v("instruction", instruction, "instruction given to the policy");
    v("robot", robot, "listed robot, robot+gripper, or path of a robot.yaml");
    v("scene", scene, "MJCF beside this file");
    // files name the first arm apart from the others; what is only written stays untouched
    v("robot_base", arms[0].X_WB, "where the robot stands");
    v("home", arms[0].home, "rad; empty: the robot's own");
    std::vector<ArmPlacement> further(arms.begin() + 1, arms.end());
    v("further_arms", further, "of the same robot, beside the one at robot_base");
    if (!std::equal(further.begin(), further.end(), arms.begin() + 1, arms.end())) {
      arms.resize(1);
      arms.insert(arms.end(), further.begin(), further.end());
    }
    v("control_hz", control_hz, "policy steps per second", Limits{1, 500});
    v("physics_timestep", physics_timestep, "s", Limits{1e-4, 0.02});
    v("horizon", horizon, "policy steps of a rollout", Limits{1, 100000});
    v("cameras", cameras, "what policies and renders see by default");
    v("objects", objects, "by name");
    v("predicates", predicates, "by name");
    v("success", success, "predicate");
    v("variants", variants, "reset distributions by name");
    v("subtasks", subtasks, "in order");
    v("foreign", foreign, "what other programs call it, by family: robosuite, isaaclab");
  }
};

// All violations of the references inside a task; empty: fine.
std::vector<std::string> Validate(const TaskSpec& task);

// Whether some arm has a part in both.
inline bool ShareArm(const Subtask& a, const Subtask& b) {
  return a.arm == kAllArms || b.arm == kAllArms || a.arm == b.arm;
}
// Whether subtask `later` begins only when `earlier`, one before it in the list, has ended: always,
// or, where it is parallel, if they need the same arm.
bool WaitsFor(const TaskSpec& task, size_t later, size_t earlier);
// Whether arms may be at different subtasks at once.
bool HasParallel(const TaskSpec& task);

// Where a variant places an object; null: it is a part.
const PlacementRange* PlacementOf(const ResetVariant& variant, const std::string& object);

// The reset distribution of that name. Throws Error(kUsage) where the task has none.
const ResetVariant& VariantOf(const TaskSpec& task, const std::string& variant);

// `place` is a listed task's name or the path of a task.yaml; `root` the folder of listed tasks
// (sim/tasks). Throws Error(kBadInput) listing every violation, Error(kUsage) for an unknown name.
TaskSpec LoadTaskSpec(const std::string& place, const std::filesystem::path& root);
TaskSpec ParseTaskSpec(const Json& json, const std::string& name);

// Reads settings of subtasks over those of `task`: a file with `subtasks`, a list of as many, each
// with the fields that differ. Throws Error(kBadInput) listing every violation.
void ReadSubtasks(const std::filesystem::path& file, TaskSpec* task);

// The listed task that another family of programs calls `name`; empty: none, or its files are
// broken.
std::string ListedTaskCalled(const std::string& family, const std::string& name,
                             const std::filesystem::path& root);

// The grasp that predicate `name` asks for: alone, held or in a conjunction. Null: none.
const GraspedPredicate* GraspOf(const TaskSpec& task, const std::string& name);

// What a predicate names in the scene: objects or bodies.
std::vector<std::string> BodiesOf(const Predicate& predicate);

// Predicates in an order in which each comes after those that it names.
std::vector<std::string> PredicateOrder(const TaskSpec& task);

}  // namespace understudy
