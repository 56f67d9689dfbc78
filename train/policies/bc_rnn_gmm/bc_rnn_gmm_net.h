#pragma once

#include <functional>
#include <span>
#include <vector>

#include "train/policies/bc_rnn_gmm/bc_rnn_gmm_config.h"
#include "train/samples/batch.h"
#include "train/torch/layers.h"
#include "train/torch/resnet.h"

namespace understudy {

// Sequences on the device.
struct BcRnnGmmInputs {
  std::vector<Tensor> images_NCHW;  // per camera, N = B x T cropped pictures in [0, 1]
  Tensor numbers_BTI;               // state and objects
};

// Which part of a picture is seen: x and y of its upper left corner.
struct CropPlace {
  int x = 0, y = 0;
};
using CropDraw = std::function<CropPlace(size_t sample, size_t step, size_t camera)>;

// What of it differs between batches, in main memory: of all steps that the batch holds. Requires
// sizes that match the shape.
std::vector<Tensor> HostBcRnnGmmInputs(const Batch& batch, const BcRnnGmmShape& shape,
                                       const BcRnnGmmConfig& config, const CropDraw& crop);
// From those, moved to the device.
BcRnnGmmInputs MakeBcRnnGmmInputs(std::span<const Tensor> inputs, const BcRnnGmmShape& shape);
BcRnnGmmInputs MakeBcRnnGmmInputs(const Batch& batch, const BcRnnGmmShape& shape,
                                  const BcRnnGmmConfig& config, const CropDraw& crop,
                                  at::Device device);

// A mixture of M Gaussians over the action of every step.
struct ActionMixture {
  Tensor means_BTMA;   // in [-1, 1]
  Tensor scales_BTMA;  // what the deviations are made of
  Tensor logits_BTM;
};

// The network of BcRnnGmmConfig as functions of its weights; holds handles to them, no other state.
// Thread-safe where the weights are not written.
class BcRnnGmmNet {
 public:
  // Takes every weight once, in a fixed order.
  BcRnnGmmNet(const BcRnnGmmConfig& config, const BcRnnGmmShape& shape, at::Device device,
              const TakeParameter& take);

  // Of every step, from what came before it in its sequence and from itself.
  ActionMixture operator()(const BcRnnGmmInputs& inputs) const;

 private:
  struct ImageEncoder {
    ResNet18 resnet;
    Convolution keypoint_maps;
    Linear out;
  };
  // N image_features.
  Tensor EncodeImage(const ImageEncoder& encoder, const Tensor& image_NCHW) const;

  const BcRnnGmmConfig config_;
  const BcRnnGmmShape shape_;
  std::vector<ImageEncoder> image_encoders_;
  std::vector<Tensor> rnn_;  // weight_ih, weight_hh, bias_ih, bias_hh of each layer
  Linear mean_, scale_, logits_;
};

}  // namespace understudy
