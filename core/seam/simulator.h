#pragma once

#include <Eigen/Geometry>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "core/episode/action.h"
#include "core/episode/observation.h"
#include "core/geometry/box.h"
#include "core/seam/kinematics.h"
#include "core/spec/action_kind.h"
#include "core/spec/physics_variation.h"
#include "core/spec/safety_options.h"
#include "core/spec/scene_file.h"

namespace understudy {

struct EpisodeMeta;

// Names, sizes and rates of a simulated task with its robot; the lists give the order of every list
// in Observation and Action.
struct SimulatorInfo {
  std::string task, robot, instruction;
  std::vector<std::string> variants;  // reset distributions: "D0", "D1", …
  std::vector<std::string> arms;      // "robot0"
  std::vector<std::string> objects;   // "cubeA", …
  std::vector<std::string> signals;   // subtask signals of the task
  // by arm; empty where they are unknown
  std::vector<std::vector<std::string>> joint_names, gripper_joint_names;
  std::vector<std::string> cameras;
  ActionKind action_kind = ActionKind::kPose;  // not stored: what is recorded of every arm
  double control_hz = 20;
  int substeps = 25;           // physics steps per policy step
  int horizon = 400;           // policy steps of an evaluation rollout
  size_t state_size = 0;       // of SimState
  size_t flat_state_size = 0;  // its first entries: [time, qpos, qvel], as robomimic's
  bool own_states = false;     // not stored: a world with other states than the nominal one's
  DeltaLimits limits;
  double workspace_radius = 0.855;  // m from the arm's base: beyond it nothing can be reached
  std::vector<Pose> X_WB{1};        // base of every arm; one also where no arm is known
  const Pose& base(size_t arm) const { return X_WB.at(arm); }
  // Number of finger joints of an arm; 0 where they are unknown.
  size_t finger_joints(size_t arm = 0) const {
    return arm < gripper_joint_names.size() ? gripper_joint_names[arm].size() : 0;
  }
  // Whether an arm may bring its hand to p_W, `margin` (m) beyond its reach allowed for.
  bool Reaches(const Eigen::Vector3d& p_W, double margin = 0, size_t arm = 0) const {
    return (p_W - base(arm).translation()).norm() <= workspace_radius + margin;
  }
  // not stored: rad that a hand may stay off its orientation, since its arm cannot reach every one
  double tilt = 0;
  // not stored, by object: objects of one number hang from one another or from one body (a cabinet
  // and its drawers). Empty: every object is free of the others
  std::vector<int> object_trees;
  bool HangTogether(size_t a, size_t b) const {
    return a == b || (!object_trees.empty() && object_trees.at(a) == object_trees.at(b));
  }
  SafetyOptions safety;            // not stored: of every arm
  std::vector<std::string> notes;  // not stored: what to know of the robot, a sentence each
  // not stored: turns of E about its z by 2 pi / this grip alike; the fingers of the open gripper
  // of arm 0, as boxes in E (m), and all that is fixed to its last link, shape by shape, in E
  // instead of W; empty: not known
  int gripper_symmetry = 1;
  // not stored, by object: whether a predicate of the task asks for it to be grasped; empty: the
  // task says of none
  std::vector<uint8_t> asked_grasps;
  std::vector<Eigen::AlignedBox3d> open_fingers_E;
  std::vector<Box> open_hand_E;
};

// A shape of something that has joints of its own, such as a cabinet with its drawer, as a box.
struct PartShape {
  Box box;       // in W
  int tree = 0;  // what it hangs together with: SimulatorInfo::object_trees
};

// The known part of an episode's meta at its start: task, robot, names, rates and limits of the
// simulator; seed and attempt are the seed and parent of `key`.
EpisodeMeta MetaOf(const SimulatorInfo& info, const std::string& variant, const RngKey& key);

// What happened in one policy step.
struct StepOutcome {
  bool unstable = false;       // the physics left its domain; the state is no longer usable
  bool joint_limit = false;    // a joint of an arm touched its limit
  bool collision = false;      // an arm link (not a finger) touched something
  bool touches_stand = false;  // at its end an arm, fingers too, touches what stands still
  bool holds_other = false;    // at its end a hand holds something loose that is no object
  uint64_t held_objects = 0;   // at its end, a bit for each of the first 64 objects
  bool Holds(size_t object) const { return object < 64 && (held_objects >> object & 1) != 0; }
  std::string touching;  // "robot0_link5 touched drawer", the first ones, where `collision`
  std::string problem;   // in words, where `unstable`
};

// Where time went since construction; sums over calls.
struct SimulatorTimes {
  double total_s = 0;    // inside Step
  double physics_s = 0;  // of it inside the physics engine
  int64_t substeps = 0;
  int64_t steps = 0;
};

// The digital twin of one task: speaks names, poses, joint vectors and opaque states. One per
// thread: no member may be called from two threads at once; different simulators are independent.
// Reset and Restore are bit-exact: same key or state, same future for the same actions.
class Simulator {
 public:
  virtual ~Simulator() = default;

  const SimulatorInfo& info() const { return DoInfo(); }

  // What of the world can be varied, with the values of the nominal one.
  const PhysicsInventory& inventory() const { return DoInventory(); }

  // Makes the world the nominal one with `variation` on top, not the one before: everything below,
  // info() too, is then of that world. Reset, Restore or Revisit comes next. The same variation
  // gives the same world, bit for bit, and an empty one the nominal world. Throws Error(kBadInput),
  // with nothing changed, for what the world lacks or cannot be.
  void SetWorld(const PhysicsVariation& variation) { DoSetWorld(variation); }

  // Draws a start from reset distribution `variant` (and the joint noise of the robot); all of it
  // depends on `key` only. Throws Error(kUsage) naming the known variants.
  void Reset(const std::string& variant, const RngKey& key) { DoReset(variant, key); }

  // Requires a state of this simulator's size and task.
  void Restore(const SimState& state);
  SimState Save() const;
  // The same into `state`, whose memory is used again: a control loop allocates nothing.
  void Save(SimState* state) const { DoSave(state); }

  // Brings the world to an instant that was recorded in this scene under whatever predicates, and
  // asks those of this task. `state` was saved by a simulator of this scene, of which all but the
  // predicates' counters is restored; or it is the flat part [time, qpos, qvel] alone, which is
  // enough to observe but not to continue: objects without a joint are then placed at their
  // X_WO (one per object; unset: not known). What must hold for a while is counted on from the call
  // before; with `first`, from nothing. Returns why that cannot be, in words; empty: done.
  std::string Revisit(const SimState& state, const std::vector<std::optional<Pose>>& X_WO,
                      bool first);

  // The world now; valid until the next call that changes it.
  const Observation& Observe() const { return DoObserve(); }

  // The command that Step would make of `action` now, in full: where joints are the command, q_cmd
  // is the posture that brings E nearest to X_WE_cmd, unless it is given, and X_WE_cmd is where
  // that brings E. Else `action` itself. What is recorded is resolved, so that it can be replayed.
  ArmAction Resolve(size_t arm, const ArmAction& action) const;

  // Where an arm can bring E nearest to X_WE, its position first, whatever its posture now; X_WE
  // itself where its kinematics are not known.
  Pose Nearest(size_t arm, const Pose& X_WE) const;

  // The geometry of an arm, with data of its own; null where it is not known.
  std::unique_ptr<Kinematics> ArmKinematics(size_t arm) const { return DoArmKinematics(arm); }

  // The colliding shapes of all things with hinges or slides, where they are now; empty where that
  // is not known. Loose objects and what is fixed have none here.
  std::vector<PartShape> Parts() const { return DoParts(); }

  // Applies `action` for one policy step, resolved or not. Targets are absolute; nothing is clipped
  // here. Requires one entry per arm with finite numbers; q_cmd is empty or has all joints.
  StepOutcome Step(const Action& action);

  SimulatorTimes times() const { return DoTimes(); }

  // The full model of the world as MJCF text: stored with every dataset, and with every episode of
  // a world of its own.
  std::string ModelText() const { return DoModelText(); }

  // What the scene is compiled from, where it has meshes or pictures that the text only names, or
  // where its task or robot is not listed; else empty. Stored with every dataset; WriteScene takes
  // it.
  const std::vector<SceneFile>& SceneFiles() const { return DoSceneFiles(); }

 private:
  virtual const SimulatorInfo& DoInfo() const = 0;
  // By default there is nothing to vary.
  virtual const PhysicsInventory& DoInventory() const;
  virtual void DoSetWorld(const PhysicsVariation& variation);
  virtual void DoReset(const std::string& variant, const RngKey& key) = 0;
  virtual void DoRestore(const SimState& state) = 0;
  virtual void DoSave(SimState* state) const = 0;
  virtual std::string DoRevisit(const SimState& state, const std::vector<std::optional<Pose>>& X_WO,
                                bool first) = 0;
  virtual const Observation& DoObserve() const = 0;
  virtual std::unique_ptr<Kinematics> DoArmKinematics(size_t) const { return nullptr; }
  virtual Pose DoNearest(size_t arm, const Pose& X_WE) const;
  virtual std::vector<PartShape> DoParts() const { return {}; }
  // Only asked where joints are the command.
  virtual ArmAction DoResolve(size_t arm, const ArmAction& action) const;
  virtual StepOutcome DoStep(const Action& action) = 0;
  virtual SimulatorTimes DoTimes() const = 0;
  virtual std::string DoModelText() const = 0;
  virtual const std::vector<SceneFile>& DoSceneFiles() const;
};

// What arms do that do nothing: they stay where they are, fingers open.
Action HoldOf(const Simulator& simulator);

// Makes one simulator per thread. Safe to call from any thread.
using SimulatorFactory = std::function<std::unique_ptr<Simulator>()>;

}  // namespace understudy
