#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/options.h"
#include "core/geometry/pose.h"
#include "core/geometry/rotation_form.h"
#include "core/seam/policy.h"
#include "core/seam/simulator.h"
#include "serve/zmq_client.h"

namespace understudy {

// What a part of another program's state or action is, and how it is written there.
enum class Quantity {
  kEefPosition,
  kEefRotation,
  kJoints,
  kGripper,
  kGripperWidth,
  kObjectPosition,
  kObjectRotation
};
template <>
struct EnumNames<Quantity> {
  static constexpr std::array kNames{"eef_position",   "eef_rotation",  "joints",
                                     "gripper",        "gripper_width", "object_position",
                                     "object_rotation"};
};
enum class PartFrame { kBase, kWorld, kHand };
template <>
struct EnumNames<PartFrame> {
  static constexpr std::array kNames{"base", "world", "hand"};
};
enum class ActionMeaning { kAbsolute, kFromObservation, kFromLast, kFromMeasured };
template <>
struct EnumNames<ActionMeaning> {
  static constexpr std::array kNames{"absolute", "from_observation", "from_last", "from_measured"};
};

struct MappedState {
  static constexpr std::array kUnwritten{"object"};
  std::string key;
  Quantity from = Quantity::kEefPosition;
  int arm = 0;
  std::string object;
  RotationForm form = RotationForm::kWxyz;
  PartFrame frame = PartFrame::kBase;
  double scale = 1, offset = 0;
  template <class V>
  void Visit(V& v) {
    v("key", key, "name in the request; parts of one key stand side by side, in this order",
      kRequired);
    v("from", from, "what it is; gripper: finger joints, gripper_width: their sum");
    v("arm", arm, "number of the arm, from 0", Limits{0, 64});
    v("object", object, "of object_position and object_rotation: its name, in simulation only");
    v("form", form, "of a rotation; euler_xyz: about the fixed axes x, y, z, one after the other");
    v("frame", frame, "of a pose: base of the arm, or world");
    v("scale", scale, "what is sent is scale * value + offset");
    v("offset", offset, "see scale");
  }
};

struct MappedAction {
  std::string key;
  Quantity to = Quantity::kEefPosition;
  int arm = 0;
  int first = 0;
  RotationForm form = RotationForm::kWxyz;
  PartFrame frame = PartFrame::kBase;
  ActionMeaning meaning = ActionMeaning::kAbsolute;
  double scale = 1, offset = 0;
  template <class V>
  void Visit(V& v) {
    v("key", key, "name in the answer", kRequired);
    v("to", to, "what it commands");
    v("arm", arm, "number of the arm, from 0", Limits{0, 64});
    v("first", first, "of its numbers in the part, from 0", Limits{0, 4096});
    v("form", form, "of a rotation, or of a turn where it is not absolute");
    v("frame", frame, "of a pose, or of a step: base of the arm, world, or hand");
    v("meaning", meaning,
      "absolute; a step from where the arm was observed; from the last target of the chunk; or "
      "from "
      "where the arm is measured when it is done, as robosuite does deltas");
    v("scale", scale, "what is done is scale * number + offset");
    v("offset", offset, "see scale");
  }
};

// Where a request has its parts. Of GR00T's servers: maps for each modality in an observation;
// "video.front" in one map that is the request; "video.front" in an observation. Of openpi's: one
// map of whole keys and one moment, without axes for batch and time; the answer is [T, D].
enum class RequestLayout { kNested, kFlat, kFlatObservation, kOpenpi };
template <>
struct EnumNames<RequestLayout> {
  static constexpr std::array kNames{"nested", "flat", "flat_observation", "openpi"};
};

// How a policy server of another program is asked: which of its names is what.
struct PolicyMap {
  static constexpr std::array kUnwritten{"control_frame", "observed_frame"};
  RequestLayout layout = RequestLayout::kNested;
  ArrayForm arrays = ArrayForm::kNpy;
  std::map<std::string, std::string> cameras;
  int image_width = 224, image_height = 224;
  std::string language = "annotation.human.task_description";
  Pose X_SE, X_SH;  // S: their control frame of the hand, H: the one that they observe
  std::vector<MappedState> state;
  std::vector<MappedAction> action;
  double control_hz = 20;
  int horizon = 16, execute = 8, history = 1;
  template <class V>
  void Visit(V& v) {
    v("layout", layout,
      "nested: a map for each modality, as GR00T's servers since N1.6; flat: \"video.front\" in "
      "one "
      "map, as N1.5; flat_observation: the same as an observation, as --use-sim-policy-wrapper; "
      "openpi: keys as they are, to a ws:// server");
    v("arrays", arrays,
      "npy, as GR00T's servers read them; msgpack_numpy, as the newest do; of layout openpi: its "
      "own");
    v("cameras", cameras, "the simulator's camera: its name in the request");
    v("image_width", image_width, "px", Limits{1, 4096});
    v("image_height", image_height, "px", Limits{1, 4096});
    v("language", language, "key of the instruction");
    v("control_frame", X_SE, "our control frame of the hand in theirs, which actions are of");
    v("observed_frame", X_SH, "the frame of the hand that they observe, in their control frame");
    v("state", state, "parts of the request");
    v("action", action, "parts of the answer");
    v("control_hz", control_hz, "steps per second of its actions", Limits{0.1, 1000});
    v("horizon", horizon, "actions of an answer", Limits{1, 4096});
    v("execute", execute, "of them to execute before the next observation", Limits{1, 4096});
    v("history", history, "observations that it sees, the newest included", Limits{1, 64});
  }
};

// Faults of a map for the arms and cameras of `simulator`, all of them; empty: it fits.
Problems CheckMap(const PolicyMap& map, const SimulatorInfo& simulator);

// The policy behind a server of GR00T's or openpi's protocol of any program, as `map` says, for the
// robot of `simulator`. Throws Error(kBadInput) with every fault of the map under `name`;
// Error(kUsage) for an address of the other protocol; Error(kFailed) where no server answers.
// Acting throws Error(kFailed) for an answer that is not what the map says.
std::unique_ptr<Policy> OpenMappedPolicy(const RemoteOptions& options, const PolicyMap& map,
                                         const SimulatorInfo& simulator, const std::string& name);

}  // namespace understudy
