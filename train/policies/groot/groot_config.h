#pragma once

#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/base/json.h"
#include "core/base/options.h"
#include "train/policies/policies.h"
#include "train/run/device.h"

namespace understudy {

enum class GrootSize { kTiny, kSmall, kBase };
template <>
struct EnumNames<GrootSize> {
  static constexpr std::array kNames{"tiny", "small", "base"};
};

// small: a few convolutions; auto: of base resnet18, else small.
enum class GrootEncoder { kAuto, kSmall, kResnet18, kVit };
template <>
struct EnumNames<GrootEncoder> {
  static constexpr std::array kNames{"auto", "small", "resnet18", "vit"};
};

// Of resnet18. auto: batch norms that stay as they are where its weights come from a file, else
// group norms.
enum class GrootNorms { kAuto, kGroup, kFrozenBatch };
template <>
struct EnumNames<GrootNorms> {
  static constexpr std::array kNames{"auto", "group", "frozen_batch"};
};

// two_step: 5x5 and 3x3 kernels of stride 2; stride4: one 8x8 kernel of stride 4, half the cost.
enum class GrootStem { kTwoStep, kStride4 };
template <>
struct EnumNames<GrootStem> {
  static constexpr std::array kNames{"two_step", "stride4"};
};

// A policy in the form of GR00T N1.x (reference: Isaac-GR00T, Apache-2.0; formulas only): image and
// text tokens, per-embodiment state and action encoders, a diffusion transformer with adaptive
// layer norm that alternates cross- and self-attention, flow matching over action chunks. Pictures
// are encoded by a small convolutional network, ResNet18 or a vision transformer, text by a
// transformer that is trained from scratch.
struct GrootConfig {
  GrootSize size = GrootSize::kTiny;

  int width = 128;
  int blocks = 4;
  int heads = 4;
  int feed_forward = 256;
  int text_layers = 1;
  GrootStem stem = GrootStem::kTwoStep;
  int stem_channels = 24;
  int feature_channels = 32;
  int feature_blocks = 1;
  int grid_channels = 64;
  int keypoints = 32;
  bool shared_encoder = false;
  GrootEncoder encoder = GrootEncoder::kAuto;
  std::string encoder_weights;
  GrootNorms norms = GrootNorms::kAuto;
  int vit_patch = 16, vit_width = 192, vit_layers = 12, vit_heads = 3;  // timm's vit_tiny
  std::array<double, 3> image_mean{0.485, 0.456, 0.406}, image_std{0.229, 0.224, 0.225};
  std::map<std::string, int> resolution{};
  bool condition_on_vision = true;
  int embodiments = 1;
  int actions_per_token = 1;

  int noise_draws = 2;
  double time_alpha = 1.5;
  double time_beta = 1.0;
  double time_scale = 0.999;
  int time_buckets = 1000;
  double state_dropout = 0;
  double dropout = 0;
  int rtc_training_max_delay = 0;
  double gripper_weight = 1;
  double object_weight = 0;
  int sampling_steps = 4;

  Device inference_device = Device::kCpu;
  static constexpr std::array kUnwritten{"encoder",
                                         "encoder_weights",
                                         "norms",
                                         "vit_patch",
                                         "vit_width",
                                         "vit_layers",
                                         "vit_heads",
                                         "image_mean",
                                         "image_std",
                                         "resolution",
                                         "actions_per_token",
                                         "dropout",
                                         "rtc_training_max_delay"};

  // With `auto` decided.
  GrootEncoder trunk() const {
    if (encoder != GrootEncoder::kAuto) return encoder;
    return size == GrootSize::kBase ? GrootEncoder::kResnet18 : GrootEncoder::kSmall;
  }
  bool frozen_norms() const {
    return norms == GrootNorms::kAuto ? !encoder_weights.empty()
                                      : norms == GrootNorms::kFrozenBatch;
  }

  template <class V>
  void Visit(V& v) {
    // changes results: shape of the network
    v("size", size, "preset that the other values start from");
    v("width", width, "channels of every token; a multiple of heads", Limits{4, 8192});
    v("blocks", blocks,
      "transformer blocks: even ones attend to images and text, odd ones to "
      "state and actions",
      Limits{1, 64});
    v("heads", heads, "attention heads", Limits{1, 64});
    v("feed_forward", feed_forward, "channels inside the feed-forward layers", Limits{4, 32768});
    v("text_layers", text_layers, "layers of the text encoder", Limits{1, 24});
    v("stem", stem,
      "how images come to a quarter of their resolution; stride4 needs heights and "
      "widths that are multiples of 4");
    v("stem_channels", stem_channels, "image channels at half resolution (two_step)",
      Limits{1, 1024});
    v("feature_channels", feature_channels,
      "image channels at quarter resolution, where keypoints "
      "are found",
      Limits{1, 2048});
    v("feature_blocks", feature_blocks, "residual convolutions at quarter resolution",
      Limits{0, 32});
    v("grid_channels", grid_channels, "image channels at an eighth", Limits{1, 4096});
    v("keypoints", keypoints, "spatial-softmax keypoints per camera", Limits{1, 1024});
    v("shared_encoder", shared_encoder, "one image encoder for all cameras instead of one each");
    v("encoder", encoder,
      "of pictures: small, the convolutions that stem, feature and grid options describe; "
      "resnet18; vit; auto: resnet18 of base, else small");
    v("encoder_weights", encoder_weights,
      "safetensors file that resnet18 (torchvision's names) or vit (timm's names) starts from; "
      "empty: from scratch");
    v("norms", norms,
      "of resnet18: group; frozen_batch, batch norms with the numbers of encoder_weights, which "
      "stay as they are; auto: frozen_batch with encoder_weights, else group");
    v("vit_patch", vit_patch, "px; sides of pictures must be multiples of it", Limits{2, 128});
    v("vit_width", vit_width, "channels of the vision transformer", Limits{4, 8192});
    v("vit_layers", vit_layers, "layers of the vision transformer", Limits{1, 64});
    v("vit_heads", vit_heads, "attention heads of the vision transformer", Limits{1, 64});
    v("image_mean", image_mean,
      "of resnet18 and vit: subtracted from red, green and blue, which are in [0, 1]");
    v("image_std", image_std, "of resnet18 and vit: what is left is divided by it",
      Limits{1e-3, 1e3});
    v("resolution", resolution,
      "height in px to which pictures of cameras that match are shrunk, such as "
      "{\"*hand*\": 64}; widths follow; of several patterns the longest counts",
      Limits{8, 8192});
    v("condition_on_vision", condition_on_vision,
      "add the keypoints and the state to what the "
      "adaptive layer norms see, beside the time");
    v("embodiments", embodiments, "slots of the per-embodiment tables", Limits{1, 1024});
    v("actions_per_token", actions_per_token,
      "of a chunk, one behind the other: fewer tokens; the horizon must be a multiple of it",
      Limits{1, 64});
    // changes results: training and sampling
    v("noise_draws", noise_draws, "draws of noise and time per encoded sample and update",
      Limits{1, 64});
    v("time_alpha", time_alpha, "time = (1 - b) * time_scale with b ~ Beta(alpha, beta)",
      Limits{0.01, 100});
    v("time_beta", time_beta, "see time_alpha", Limits{0.01, 100});
    v("time_scale", time_scale, "largest training time", Limits{0.1, 0.9999});
    v("time_buckets", time_buckets, "the network sees the time as trunc(buckets * time)",
      Limits{2, 100000});
    v("state_dropout", state_dropout, "chance that a training sample hides its state",
      Limits{0, 1});
    v("dropout", dropout,
      "share of the activations behind attention and in the feed-forward layers of the transformer "
      "that an update hides",
      Limits{0, 0.9});
    v("rtc_training_max_delay", rtc_training_max_delay,
      "real-time chunking: in training the first 0 to this many actions of a chunk are given to "
      "the "
      "network, as the actions under way are when it acts (Black et al. 2025, arXiv:2512.05964); "
      "0: "
      "none",
      Limits{0, 4096});
    v("gripper_weight", gripper_weight, "weight of the gripper in the loss", Limits{0, 1000});
    v("object_weight", object_weight,
      "weight of the loss of a head that predicts where the objects "
      "are from keypoints and state; it is used in training only. 0: none",
      Limits{0, 1000});
    v("sampling_steps", sampling_steps, "Euler steps from noise to actions", Limits{1, 1000});
    // changes speed only (beyond rounding)
    v("inference_device", inference_device, "where the trained policy runs", Effect::kSpeed);
  }
};

// The preset named by `size`, with every other key of `json` over it. Throws Error(kBadInput) that
// lists all violations.
GrootConfig ReadGrootConfig(const Json& json);

// Shapes of the columns that the network works on.
struct GrootShape {
  std::vector<std::string> images;  // columns of pictures, one per camera
  int height = 84, width = 84;      // px
  int state = 11;                   // S
  int action = 7;                   // A, all arms
  int horizon = 16;                 // T
  int tokens = 16;                  // L
  int objects = 0;                  // O: training only, where object_weight > 0
  // Numbers of each embodiment, the others being padding, and whether it has a camera, by image;
  // empty: all have all.
  std::vector<int> state_of = {}, action_of = {};
  std::vector<std::vector<int>> images_of = {};

  int cameras() const { return static_cast<int>(images.size()); }
  int ActionOf(size_t embodiment) const {
    return embodiment < action_of.size() ? action_of[embodiment] : action;
  }
  bool Sees(size_t embodiment, size_t image) const {
    return image >= images_of.size() || embodiment >= images_of[image].size() ||
           images_of[image][embodiment] > 0;
  }
};

// Of a layout that the policy asked for. Throws Error(kBadInput) where cameras differ in size, or
// options do not fit it.
GrootShape GrootShapeOf(const SampleLayout& layout, const GrootConfig& config);

// Height and width in which the network sees the pictures of a camera.
std::pair<int, int> SeenSize(const GrootShape& shape, const GrootConfig& config, size_t camera);

// The policy's entry in the list.
PolicyType GrootPolicy();

}  // namespace understudy
