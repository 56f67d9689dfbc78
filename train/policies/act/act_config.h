#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/options.h"
#include "train/policies/policies.h"
#include "train/run/device.h"

namespace understudy {

// Action Chunking Transformer (Zhao et al., RSS 2023) as LeRobot 0.4.4 has it: names of options and
// weights, defaults and formulas are LeRobot's, so that weights can be exchanged (docs/policy.md).
struct ActConfig {
  int backbone_channels = 64;
  std::string backbone_weights;
  // of the pictures that torchvision's weights were trained on
  std::array<double, 3> image_mean{0.485, 0.456, 0.406}, image_std{0.229, 0.224, 0.225};
  int dim_model = 512;
  int n_heads = 8;
  int dim_feedforward = 3200;
  int n_encoder_layers = 4;
  // The first ACT used one of its seven: https://github.com/tonyzhaozh/act/issues/25.
  int n_decoder_layers = 1;
  bool use_vae = true;
  int latent_dim = 32;
  int n_vae_encoder_layers = 4;

  double dropout = 0.1;
  double kl_weight = 10;

  Device inference_device = Device::kCpu;

  template <class V>
  void Visit(V& v) {
    // changes results: shape of the network
    v("backbone_channels", backbone_channels,
      "channels of the ResNet-18's first stage; LeRobot knows 64 only", Limits{1, 1024});
    v("backbone_weights", backbone_weights,
      "safetensors file with torchvision's names that the ResNet-18 starts from, its batch norms "
      "included; empty: from scratch, batch norms that do nothing");
    v("image_mean", image_mean, "subtracted from red, green and blue, which are in [0, 1]");
    v("image_std", image_std, "by which they are divided then");
    v("dim_model", dim_model, "channels of every token; a multiple of n_heads and of 4",
      Limits{4, 8192});
    v("n_heads", n_heads, "attention heads", Limits{1, 64});
    v("dim_feedforward", dim_feedforward, "channels inside the feed-forward layers",
      Limits{1, 65536});
    v("n_encoder_layers", n_encoder_layers, "layers over latent, state and pictures",
      Limits{1, 64});
    v("n_decoder_layers", n_decoder_layers, "layers over the steps of the chunk", Limits{1, 64});
    v("use_vae", use_vae, "whether training sees the chunk through a latent (CVAE)");
    v("latent_dim", latent_dim, "numbers of the latent; 0 when the policy acts", Limits{1, 4096});
    v("n_vae_encoder_layers", n_vae_encoder_layers, "layers over state and actions (CVAE)",
      Limits{1, 64});
    // changes results: training
    v("dropout", dropout, "share of the activations that an update hides", Limits{0, 0.99});
    v("kl_weight", kl_weight, "weight of the latent's divergence from N(0, 1)", Limits{0, 1e6});
    // changes speed only (beyond rounding)
    v("inference_device", inference_device, "where the trained policy runs", Effect::kSpeed);
  }
};

// Throws Error(kBadInput) that lists all violations.
ActConfig ReadActConfig(const Json& json);

// Shapes of the columns that the network works on.
struct ActShape {
  struct Camera {
    std::string column;
    int height = 0, width = 0;  // px
  };
  std::vector<Camera> cameras;
  int state = 0, action = 0, horizon = 0;  // S, A, T
};

// Of a layout that the policy asked for.
ActShape ActShapeOf(const SampleLayout& layout);

// The policy's entry in the list.
PolicyType ActPolicy();

}  // namespace understudy
