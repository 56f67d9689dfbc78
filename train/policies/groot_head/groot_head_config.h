#pragma once

#include <array>
#include <filesystem>
#include <string>

#include "core/base/json.h"
#include "core/base/options.h"
#include "train/policies/policies.h"
#include "train/run/device.h"

namespace understudy {

enum class GrootRelease { kN15, kN16, kN17 };
template <>
struct EnumNames<GrootRelease> {
  static constexpr std::array kNames{"n1_5", "n1_6", "n1_7"};
};

// The action head of NVIDIA's GR00T N1.5, N1.6 and N1.7 (reference: Isaac-GR00T, Apache-2.0;
// formulas only), on features that its backbone made: the backbone is not in this program.
// docs/policy.md describes the network; weights have the names of released checkpoints, without
// "action_head.". Defaults are those of the released N1.7.
struct GrootHeadConfig {
  GrootRelease version = GrootRelease::kN17;
  std::string release;
  int embodiment_slot = -1;

  int max_state = 132, max_action = 132, max_horizon = 40, state_history = 1;
  int hidden = 1024, width = 1536, feature_width = 2048;
  int blocks = 32, heads = 32;
  int feature_blocks = 4, feature_heads = 32;
  bool alternate = true;
  int text_every = 2;
  bool feature_norm = true;
  int future_tokens = 0;
  int positions = 1024;
  bool mask_token = false;

  double dropout = 0.2;
  double state_dropout = 0.2;
  double state_noise = 0;
  double time_alpha = 1.5;
  double time_beta = 1.0;
  double time_scale = 0.999;
  int time_buckets = 1000;
  int sampling_steps = 4;

  Device inference_device = Device::kCpu;

  template <class V>
  void Visit(V& v) {
    // changes results: shape of the network
    v("version", version, "preset that the other values start from: the release of GR00T");
    v("release", release,
      "folder of a released or fine-tuned GR00T checkpoint (config.json and safetensors), whose "
      "head the training starts from: it says the values below; empty: from scratch");
    v("embodiment_slot", embodiment_slot,
      "row of the per-embodiment tables of `release` that is trained; -1: that of new_embodiment",
      Limits{-1, 1023});
    v("max_state", max_state, "numbers of a state, padding included", Limits{1, 4096});
    v("max_action", max_action, "numbers of an action, padding included", Limits{1, 4096});
    v("max_horizon", max_horizon, "actions of a chunk, padding included", Limits{1, 4096});
    v("state_history", state_history, "states that it sees: the current one and those before it",
      Limits{1, 256});
    v("hidden", hidden, "channels between the transformer and the actions", Limits{2, 32768});
    v("width", width, "channels of every token; a multiple of heads", Limits{4, 8192});
    v("feature_width", feature_width,
      "channels of the backbone's features; a multiple of "
      "feature_heads",
      Limits{2, 32768});
    v("blocks", blocks,
      "transformer blocks: even ones attend to features, odd ones to state and actions",
      Limits{1, 64});
    v("heads", heads, "attention heads", Limits{1, 64});
    v("feature_blocks", feature_blocks, "self-attention blocks over the features", Limits{0, 64});
    v("feature_heads", feature_heads, "attention heads of these", Limits{1, 64});
    v("alternate", alternate,
      "blocks attend to text or to images in turns; off: to all features, padding included");
    v("text_every", text_every, "of the blocks that attend to features, one in so many to text",
      Limits{1, 64});
    v("feature_norm", feature_norm, "layer norm over the features");
    v("future_tokens", future_tokens, "learnt tokens between state and actions", Limits{0, 1024});
    v("positions", positions, "rows of the table of positions in a chunk; 0: none",
      Limits{0, 65536});
    v("mask_token", mask_token, "a learnt token stands for a hidden state, else zeros (N1.6)");
    // changes results: training and sampling
    v("dropout", dropout, "share of the activations that an update hides", Limits{0, 0.9});
    v("state_dropout", state_dropout, "chance that a training sample hides its state",
      Limits{0, 1});
    v("state_noise", state_noise, "deviation of what is added to the state's token in training",
      Limits{0, 10});
    v("time_alpha", time_alpha,
      "b ~ Beta(alpha, beta); time = (1 - b) * time_scale, of N1.5 1 - b / "
      "time_scale",
      Limits{0.01, 100});
    v("time_beta", time_beta, "see time_alpha", Limits{0.01, 100});
    v("time_scale", time_scale, "see time_alpha", Limits{0.1, 0.9999});
    v("time_buckets", time_buckets, "the network sees the time as trunc(buckets * time)",
      Limits{2, 100000});
    v("sampling_steps", sampling_steps, "Euler steps from noise to actions", Limits{1, 1000});
    // changes speed only (beyond rounding)
    v("inference_device", inference_device, "where the trained policy runs", Effect::kSpeed);
  }
};

// What a release of GR00T is made of: the defaults of `version`.
GrootHeadConfig GrootHeadPreset(GrootRelease version);

// The preset of `version`, or what config.json of `release` says, with every other key of `json`
// over it. Throws Error(kBadInput) that lists all violations.
GrootHeadConfig ReadGrootHeadConfig(const Json& json);

// What the config.json of a GR00T checkpoint says of its head. Throws Error(kBadInput) where it is
// of another model, or of a head that is not built here.
GrootHeadConfig ReleasedHeadConfig(const std::filesystem::path& folder);

// The row of the tables that is trained: `embodiment_slot`, or new_embodiment's, as the
// embodiment_id.json of `release` says, else as its version has it.
int SlotOfRelease(const GrootHeadConfig& config);

// Shapes of the columns that the network works on.
struct GrootHeadShape {
  int state = 0, action = 0;  // numbers that the robot has
  int horizon = 0;            // T
  int tokens = 0;             // L
};

// Of a layout that the policy asked for. Throws Error(kBadInput) where more is asked of the head
// than it has room for, or features have another width.
GrootHeadShape GrootHeadShapeOf(const SampleLayout& layout, const GrootHeadConfig& config);

// The policy's entry in the list.
PolicyType GrootHeadPolicy();

}  // namespace understudy
