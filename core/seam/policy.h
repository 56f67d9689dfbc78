#pragma once

#include <map>
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
  Pose X_WB;  // robot base in training: states are seen from it
};

struct PolicyInput {
  std::vector<Image> images;
  std::vector<ArmObservation> arms;
  std::string instruction;
};

// A chunk of absolute targets, one Action per policy step.
using ActionChunk = std::vector<Action>;

// Thread-safe: several threads may call Act at once. The result depends on input and key only.
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
