#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/options.h"
#include "train/policies/policies.h"
#include "train/run/device.h"

namespace understudy {

enum class BcModality { kImage, kLowDim };
template <>
struct EnumNames<BcModality> {
  static constexpr std::array kNames{"image", "low_dim"};
};

// robomimic's BC-RNN-GMM (Mandlekar et al., CoRL 2021; MIT licence, formulas only) with the
// settings of MimicGen's experiments: an LSTM over sequences of observations, a mixture of
// Gaussians over each action. It hears no instruction. docs/policy.md describes every layer.
struct BcRnnGmmConfig {
  BcModality modality = BcModality::kImage;

  int sequence = 10;
  int layers = 2;
  int hidden = 1000;
  int modes = 5;
  double min_std = 1e-4;
  double acting_std = 1e-4;
  bool objects = false;
  int crop = 76;
  int keypoints = 32;
  int image_features = 64;

  Device inference_device = Device::kCpu;

  template <class V>
  void Visit(V& v) {
    // changes results: shape of the network
    v("modality", modality,
      "preset that the other values, and options of the training, start from: image sees pictures "
      "and the state, low_dim the state and where the objects are");
    v("sequence", sequence, "rows of a training sequence, and steps until its memory is reset",
      Limits{2, 1024});
    v("layers", layers, "of the LSTM", Limits{1, 16});
    v("hidden", hidden, "width of the LSTM", Limits{1, 16384});
    v("modes", modes, "Gaussians of the mixture", Limits{1, 1024});
    v("objects", objects, "sees where the objects are: in simulation only");
    v("crop", crop,
      "px, side of the part of a picture that it sees: drawn in training, the middle when it acts; "
      "0: all of it",
      Limits{0, 8192});
    v("keypoints", keypoints, "spatial-softmax keypoints per camera", Limits{1, 1024});
    v("image_features", image_features, "numbers per camera for the LSTM", Limits{1, 4096});
    // changes results: training and sampling
    v("min_std", min_std, "least deviation of a Gaussian in training, of normalised actions",
      Limits{1e-8, 1});
    v("acting_std", acting_std, "deviation around the drawn mean when it acts", Limits{0, 1});
    // changes speed only (beyond rounding)
    v("inference_device", inference_device, "where the trained policy runs", Effect::kSpeed);
  }
};

// The preset named by `modality`, with every other key of `json` over it. Throws Error(kBadInput)
// that lists all violations.
BcRnnGmmConfig ReadBcRnnGmmConfig(const Json& json);

// Shapes of the columns that the network works on.
struct BcRnnGmmShape {
  std::vector<std::string> images;   // columns of pictures, one per camera
  int height = 0, width = 0;         // px
  std::vector<std::string> numbers;  // columns of numbers, in order
  int numbers_size = 0;              // of all of them
  int action = 0;                    // A, all arms
};

// Of a layout that the policy asked for. Throws Error(kBadInput) where pictures are smaller than
// their crop, or too small for keypoints.
BcRnnGmmShape BcRnnGmmShapeOf(const SampleLayout& layout, const BcRnnGmmConfig& config);

// The policy's entry in the list.
PolicyType BcRnnGmmPolicy();

}  // namespace understudy
