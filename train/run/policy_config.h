#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/base/options.h"
#include "core/seam/policy.h"
#include "train/policies/policies.h"
#include "train/samples/embodiment.h"
#include "train/samples/normalizer.h"
#include "train/samples/object_labels.h"
#include "train/samples/tokenizer.h"

namespace understudy {

// Shapes of what a policy is offered and of its answer.
struct PolicyShape {
  int cameras = 2, height = 84, width = 84;
  int state = 11;
  int action = 7;  // all arms
  int horizon = 16;
  int tokens = 16;
  int feature_tokens = 0, feature_width = 0;
  static constexpr std::array kUnwritten{"feature_tokens", "feature_width"};
  template <class V>
  void Visit(V& v) {
    v("cameras", cameras, "number of cameras", Limits{0, 64});
    v("height", height, "px", Limits{1, 8192});
    v("width", width, "px", Limits{1, 8192});
    v("state", state, "numbers of a state", Limits{1, 4096});
    v("action", action, "numbers of an action", Limits{1, 4096});
    v("horizon", horizon, "actions of a chunk", Limits{1, 4096});
    v("tokens", tokens, "words of an instruction", Limits{1, 4096});
    v("feature_tokens", feature_tokens, "most tokens of features of a row", Limits{0, 65536});
    v("feature_width", feature_width, "channels of features; 0: it sees none", Limits{0, 65536});
  }
};

// What a policy knows of one of several embodiments: its slot is the place in the list.
struct PolicyEmbodiment {
  std::string name;
  std::string task, robot_place;
  Embodiment embodiment;
  std::vector<std::string> cameras;
  double control_hz = 20, max_linear_delta = 0.05, max_angular_delta = 0.5;
  Normalizer state, action;
  std::vector<float> mean_chunk;
  template <class V>
  void Visit(V& v) {
    v("name", name, "as --embodiment takes it");
    v("task", task, "trained on");
    v("robot_place", robot_place, "robot.yaml of the data, where it was given by path");
    v("embodiment", embodiment, "meaning of states and actions");
    v("cameras", cameras, "in order");
    v("control_hz", control_hz, "policy steps per second; 0: the data do not say it",
      Limits{0, 10000});
    v("max_linear_delta", max_linear_delta, "m per policy step", Limits{0, 10});
    v("max_angular_delta", max_angular_delta, "rad per policy step", Limits{0, 10});
    v("state", state, "normalisation");
    v("action", action, "normalisation");
    v("mean_chunk", mean_chunk, "mean of the training chunks");
  }
};

// config.json of a policy: all that is needed to act with the weights beside it, and where they
// come from. `network` is the network's own configuration.
struct PolicyConfig {
  std::string format = "understudy-policy";
  int version = 1;
  std::string type;  // "groot"
  std::string task;
  std::string robot_place;  // path of the robot.yaml; empty: a listed robot, or none of ours
  PolicyShape layout;
  Embodiment embodiment;
  std::vector<std::string> cameras, instructions;
  double control_hz = 20, max_linear_delta = 0.05, max_angular_delta = 0.5;
  int execute = 8;
  Tokenizer tokenizer;
  Normalizer state, action;
  std::vector<float> mean_chunk;  // T x A, not normalised
  std::vector<std::string> dataset_hashes;
  uint64_t seed = 0;
  Json network = Json::object();
  // where the policy sees the places of the objects
  std::vector<LabelledObject> objects;
  Normalizer object_statistics;
  // of a policy of several; the fields above are then those of the one in `slot`, 0 in a file
  std::vector<PolicyEmbodiment> embodiments;
  size_t slot = 0;
  static constexpr std::array kUnwritten{"robot_place", "objects", "object_statistics",
                                         "embodiments"};

  template <class V>
  void Visit(V& v) {
    v("format", format, "understudy-policy");
    v("version", version, "of this layout");
    v("type", type, "network");
    v("task", task, "trained on");
    v("robot_place", robot_place, "robot.yaml of the data, where it was given by path");
    v("layout", layout, "shapes");
    v("embodiment", embodiment, "meaning of states and actions");
    v("cameras", cameras, "in order");
    v("instructions", instructions, "seen in training");
    v("control_hz", control_hz, "policy steps per second; 0: the data do not say it",
      Limits{0, 10000});
    v("max_linear_delta", max_linear_delta, "m per policy step", Limits{0, 10});
    v("max_angular_delta", max_angular_delta, "rad per policy step", Limits{0, 10});
    v("execute", execute, "actions of a chunk meant to be executed", Limits{1, 4096});
    v("tokenizer", tokenizer, "words");
    v("state", state, "normalisation");
    v("action", action, "normalisation");
    v("mean_chunk", mean_chunk, "mean of the training chunks");
    v("dataset_hashes", dataset_hashes, "what it was trained on");
    v("seed", seed, "of training");
    v("network", network, "the network's own configuration");
    v("objects", objects, "that the policy sees, in order");
    v("object_statistics", object_statistics, "normalisation");
    v("embodiments", embodiments,
      "by slot, where there are several; what stands above is the first one's");
  }

  // For the seam; `hash` names the weights.
  PolicyInfo Info(const std::string& hash) const;
  // The columns that a policy which acts chooses from: the same for all of its embodiments.
  ColumnOffer Offer() const;
  // All of them, one where there is no list.
  std::vector<PolicyEmbodiment> Embodiments() const;
  // The same policy for the embodiment of a slot. Requires that there is one.
  PolicyConfig For(size_t slot) const;
};

// Reads and checks a config.json: format, version, action meaning, sizes that agree with one
// another. Throws Error(kBadInput) that lists every fault under `name`.
PolicyConfig ParsePolicyConfig(const Json& json, const std::string& name);

}  // namespace understudy
