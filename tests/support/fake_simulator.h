#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "core/episode/episode.h"
#include "core/seam/simulator.h"
#include "core/spec/task_spec.h"

namespace understudy {

// How the kinematic stand-in for a physics engine behaves. Defaults: a well-behaved arm.
struct FakeOptions {
  int arms = 1;                 // 1 or 2; the second stands opposite the first
  double lag = 0.7;             // share of the way to the target that one step covers, (0, 1]
  double gripper_speed = 0.25;  // share of the opening per step
  double grasp_radius = 0.015;  // m between E and an object's origin that fingers can close on
  double fall_per_step = 0.05;  // m
  double home_noise = 0.005;    // m, uniform, of E at reset
  double reach = 0.855;         // m from the base; E stops there and reports a joint limit
  std::vector<Eigen::AlignedBox3d> open_fingers_E;  // SimulatorInfo's; they touch nothing here
  int unstable_at_step = -1;  // physics "explodes" in this step after a reset; -1: never
  int slip_after_steps = -1;  // a held object slips out after so many steps; -1: never
};

// A stack task of two cubes on a table whose top is at z = 0.8: cubeA (4 cm) belongs on cubeB (5
// cm). Subtasks: cubeA until "grasp", then cubeB. Success: A on B, released, held for 5 steps.
// Variants D0 (offsets of 8 cm) and D1 (20 cm).
TaskSpec FakeTask();

// For two arms: each grasps its own cube while the other does, and lifts it, the second one when
// the first has its own up. Signals "grasp_a", "grasp_b", "a_high"; variants as above.
TaskSpec FakePairTask();

// A deterministic simulator without physics, microseconds per step. E of each arm follows its
// target with first-order lag inside the DeltaLimits box; the gripper opens and closes with a
// speed; an object that is near E while the fingers close follows E until they open, then falls
// straight down onto what is below it (an object or the table). All predicates are evaluated but
// `joint`; `contact` means resting on. Save and Restore are exact. `task` objects are cubes of edge
// sqrt(2) * radius.
std::unique_ptr<Simulator> MakeFakeSimulator(const TaskSpec& task, const FakeOptions& options = {});
SimulatorFactory FakeSimulatorFactory(const TaskSpec& task, const FakeOptions& options = {});

// A vertical pose of E, fingers down, closing along an edge of the cube, turned as little as
// needed.
Pose GraspPose(const Pose& X_WO, const Pose& X_WE, double z);
// Applies `command`, clipped, and appends the row that teleoperation would record of it.
void RecordStep(Simulator& simulator, const Action& command, Episode* episode);

// How the scripted stacker works; numbers in m and steps.
struct StackScript {
  double above = 0.10;                   // m, approach and retreat height over the grasp
  double speed = 0.02;                   // m per step
  int settle = 6;                        // steps of waiting at the gripper events
  double release_gap = 0.003;            // m between the cubes when letting go
  double half_a = 0.02, half_b = 0.025;  // m, half edges
};

// One demonstration of stacking the first object of `task` (by the spec's subtasks) on the second
// with arm 0, as teleoperation would record it: rows, states, actions, signals, success, uuid.
// Works with any Simulator of a stack task.
Episode ScriptedStack(Simulator& simulator, const TaskSpec& task, const std::string& variant,
                      const RngKey& key, const StackScript& script = {});

}  // namespace understudy
