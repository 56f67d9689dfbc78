#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/rng.h"
#include "core/episode/action.h"
#include "core/episode/observation.h"
#include "core/image/image.h"

namespace understudy {

// Inputs that a policy needs and the meaning of its outputs. Stored in its checkpoint and compared
// with the simulator or robot before anything runs.
struct PolicyInfo {
  std::string name, hash;            // policy type; content hash of the weights
  std::vector<std::string> cameras;  // order of PolicyInput::images
  int image_width = 84, image_height = 84;
  std::string robot;
  std::vector<std::string> tasks;  // instructions seen in training
  double control_hz = 20;
  DeltaLimits limits;
  int horizon = 16;            // actions per chunk
  int execute = 8;             // of them to execute before the next observation
  std::string action_meaning;  // "relative_eef": see docs/frames.md
  int arms = 1;
  Pose X_WB;                         // robot base in training: states are seen from it
  std::vector<std::string> objects;  // order of PolicyInput::X_WO
  // Observations that it wants to see, one for each step of control, the current one included; and
  // after how many steps of a rollout its memory is reset, so that it sees none from before. 0:
  // it always sees the newest.
  int history = 1, restart = 0;
  // Actions that a chunk can be made to go on from (PolicyInput::committed): the longest delay, in
  // steps, that it was trained for.
  int max_delay = 0;

  // How many observations before the one of `step` (from 0) it wants.
  int64_t EarlierAt(int64_t step) const {
    return std::min<int64_t>(history - 1, restart > 0 ? step % restart : step);
  }
};

// What a policy sees of one moment.
struct PolicyObservation {
  std::vector<Image> images;
  std::vector<ArmObservation> arms;
  std::vector<Pose> X_WO;
};

struct PolicyInput : PolicyObservation {
  std::string instruction;
  std::vector<PolicyObservation> earlier;  // PolicyInfo::EarlierAt of them, oldest first
  // The targets from this moment on that stand whatever the answer, as the policy said them before:
  // they are its first actions. At most PolicyInfo::max_delay.
  std::vector<Action> committed;
};

// A chunk of absolute targets, one Action per policy step.
using ActionChunk = std::vector<Action>;

// Thread-safe: several threads may call Act at once. The result depends on input and key only: what
// a policy remembers of a rollout is in the input.
class Policy {
 public:
  virtual ~Policy() = default;
  const PolicyInfo& info() const { return DoInfo(); }
  ActionChunk Act(const PolicyInput& input, const RngKey& key) const { return DoAct(input, key); }

 private:
  virtual const PolicyInfo& DoInfo() const = 0;
  virtual ActionChunk DoAct(const PolicyInput& input, const RngKey& key) const = 0;
};

}  // namespace understudy
