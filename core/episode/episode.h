#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/options.h"
#include "core/episode/action.h"
#include "core/episode/observation.h"
#include "core/spec/physics_variation.h"
#include "core/spec/scene_variation.h"

namespace understudy {

// What a generated step is part of, and in rollouts with a takeover who acted: the person
// (kDemonstration) or the policy. Values are written to files: never renumber.
enum class StepLabel : uint8_t {
  kDemonstration = 0,
  kSegment = 1,
  kBridge = 2,
  kHold = 3,
  kPolicy = 4,
};
constexpr StepLabel kLastLabel = StepLabel::kPolicy;

// Why a step's time is late or its command held. Bits, written to files: never renumber.
enum TeleopFlag : uint32_t {
  kClutchEngaged = 1u << 0,
  kTracked = 1u << 1,  // position and orientation valid and tracked
  kLinearClamped = 1u << 2,
  kAngularClamped = 1u << 3,
  kRejected = 1u << 4,  // a sample too far away dropped the clutch: held
  kOverrun = 1u << 5,   // the control step started later than its deadline
  kFocusLost = 1u << 6,
  kRecentered = 1u << 7,
};

// What teleoperation adds to a step, per arm: the requested pose, the filtered and the limited one,
// and the clocks. Empty in generated episodes.
struct TeleopArmStep {
  Pose X_WE_wanted;                   // after clutch and scale, before filter and limiter
  std::optional<Pose> X_WE_filtered;  // after the filter; none where it was off, or an older
                                      // program recorded
  Pose X_WE_limited;                  // after the limiter: what was sent on
  uint32_t flags = 0;                 // TeleopFlag bits
};
struct TeleopStep {
  std::vector<TeleopArmStep> arms;
  int64_t sample_id = -1;      // row of RawStream that was used
  int64_t device_time_ns = 0;  // clock: the device's own, of that sample
  int64_t monotonic_ns = 0;    // clock: CLOCK_MONOTONIC (or the virtual clock) at the step
  int64_t sample_age_ns = 0;   // step time minus sample time
};

// What one arm does in a generated step where the arms are at different subtasks.
struct ArmPart {
  StepLabel label = StepLabel::kHold;
  int32_t subtask = -1;                   // -1: the arm keeps still
  int32_t source = -1, source_step = -1;  // as in Step; -1 where it keeps still
  bool operator==(const ArmPart&) const = default;
};

// Row k: state and observation before step k; the action is applied over [k, k+1).
struct Step {
  Observation observation;
  SimState state;
  Action action;                   // executed, noise included
  Action action_clean;             // before noise; equal to `action` where there is none
  std::vector<DeltaAction> delta;  // per arm, of `action`
  StepLabel label = StepLabel::kDemonstration;
  int32_t subtask = 0;
  int32_t source = -1;       // generated: index into EpisodeMeta::sources; else -1
  int32_t source_step = -1;  // generated: row of that source; -1 on bridges
  // Per arm, if the task has parallel subtasks; otherwise empty. The fields above then describe the
  // first subtask in the list that is in progress, or the one that ended last if none is.
  std::vector<ArmPart> parts;
  TeleopStep teleop;
};

// Every sample of the device, as it came, whether a control step used it or not.
struct RawHand {
  bool active = false;
  uint32_t tracking = 0;  // bits: 1 orientation known, 2 position known, 4 orientation tracked, 8
                          // position tracked; what is known and not tracked is a guess
  Pose X_TH;              // grip pose in the tracking space
  Pose X_TA;              // aim pose
  Eigen::Vector3d v_TH = Eigen::Vector3d::Zero();  // m/s
  Eigen::Vector3d w_TH = Eigen::Vector3d::Zero();  // rad/s
  bool velocity_valid = false;
  float trigger = 0, squeeze = 0;  // [0, 1]
  float stick_x = 0, stick_y = 0;  // [-1, 1]
  uint32_t buttons = 0;            // ButtonBit of core/seam/teleop_device.h
};
struct RawSample {
  int64_t id = 0;
  int64_t device_time_ns = 0;  // of the device's own clock
  int64_t monotonic_ns = 0;
  uint32_t head_tracking = 0;  // as RawHand::tracking
  Pose X_THead;
  std::array<RawHand, 2> hands;  // left, right
  uint32_t events = 0;           // DeviceEvent bits since the sample before
};
struct RawStream {
  std::vector<RawSample> samples;
  std::string device;   // "virtual headset 0.1", runtime name and version
  std::string profile;  // interaction profile of the right hand
  int64_t device_minus_monotonic_ns = 0;
  int64_t utc_at_start_ns = 0;  // wall clock: outside the content hash
};

// Everything about an episode that is not a row.
struct EpisodeMeta {
  struct StateSizes {
    size_t whole = 0, flat = 0;  // numbers of a SimState, and of its [time, qpos, qvel]
  };
  std::string name;  // demo_<i>, its place in the file it was read from
  std::string uuid;
  std::vector<std::string> parents;  // uuids
  std::vector<std::string> sources;  // uuids of the source demonstrations of a generated episode
  std::string task, variant, robot, instruction;
  double control_hz = 0;
  DeltaLimits limits;
  bool success = false;
  std::string cause;  // of a failure; empty on success
  uint64_t seed = 0;
  int64_t attempt = -1;   // RngKey::parent of generation or recording
  int variant_index = 0;  // augment: 0 nominal
  std::vector<std::string> arms, objects, signals, cameras;
  Json settings = Json::object();  // resolved options of the stage that made it
  Json quality = Json::object();   // numbers: overruns, clamped share, replay error, …
  SceneVariation variation;        // the draws, resolved: replaying them gives the same pixels
  PhysicsVariation physics;        // the world that its states and actions belong to
  std::string model_text;          // MJCF of that world; empty: the dataset's nominal one
  StateSizes state_sizes;          // of that world; 0: the dataset's
  std::string program_version;
};

// Numbers of objects that another program stores without naming the objects.
struct UnnamedObjects {
  std::string place;  // file and dataset
  size_t width = 0;   // numbers per row
  std::vector<double> numbers;
};

// One demonstration or attempt. Images never live inside: they are rendered from the states later.
struct Episode {
  EpisodeMeta meta;
  std::vector<Step> steps;
  SimState final_state;  // after the last action: T+1 states for T actions
  Observation final_observation;
  RawStream raw;
  UnnamedObjects unnamed_objects;  // a Translation makes poses of them; they are never written

  size_t length() const { return steps.size(); }
};

}  // namespace understudy
