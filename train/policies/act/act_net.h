#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "train/policies/act/act_config.h"
#include "train/samples/batch.h"
#include "train/torch/dropout.h"
#include "train/torch/first_values.h"
#include "train/torch/layers.h"
#include "train/torch/resnet.h"

namespace understudy {

// A batch on the device.
struct ActInputs {
  std::vector<Tensor> images_BCHW;  // per camera, normalised, channels last in memory
  Tensor state_BS;
};
// What of it differs between batches, in main memory. Requires sizes that match the shape.
std::vector<Tensor> HostActInputs(const Batch& batch, const ActShape& shape,
                                  const ActConfig& config);
// From those, moved to the device. With `bfloat16`, images are converted to it.
ActInputs MakeActInputs(std::span<const Tensor> inputs, const ActShape& shape, bool bfloat16);
ActInputs MakeActInputs(const Batch& batch, const ActShape& shape, const ActConfig& config,
                        at::Device device, bool bfloat16);

// The network of ActConfig as functions of its weights; holds handles to them, no other state.
// Thread-safe where the weights are not written.
class ActNet {
 public:
  // Takes every weight once, in a fixed order; those of the backbone start from `backbone` unless
  // it is empty.
  ActNet(const ActConfig& config, const ActShape& shape, at::Device device,
         const TakeParameter& take, const FirstValues& backbone = {});

  // Mean and logarithm of the variance of the latent, B latent_dim each, that the actions of a
  // chunk have. Steps with real_BT false are not seen. Requires use_vae.
  std::pair<Tensor, Tensor> EncodeActions(const Tensor& state_BS, const Tensor& action_BTA,
                                          const Tensor& real_BT, Dropout& dropout) const;

  // The chunk, B T A.
  Tensor Decode(const ActInputs& inputs, const Tensor& latent_BL, Dropout& dropout) const;

 private:
  struct PackedAttention {
    Tensor weight_3dd, bias_3d;  // query, key and value one below the other
    Linear out;
    int heads = 1;
    // seen: true where a key may be seen, broadcast to B heads Q K, or undefined.
    Tensor operator()(const Tensor& query, const Tensor& key, const Tensor& value,
                      const Tensor& seen, Dropout& dropout) const;
  };
  struct EncoderLayer {
    PackedAttention attention;
    Linear linear1, linear2;
    Norm norm1, norm2;
    Tensor operator()(Tensor x, const Tensor& position, const Tensor& seen, Dropout& dropout) const;
  };
  struct DecoderLayer {
    PackedAttention self_attention, cross_attention;
    Linear linear1, linear2;
    Norm norm1, norm2, norm3;
    Tensor operator()(Tensor x, const Tensor& memory, const Tensor& keys, const Tensor& position,
                      Dropout& dropout) const;
  };

  PackedAttention MakeAttentionOf(const TakeParameter& take, const std::string& name,
                                  bool xavier) const;
  EncoderLayer MakeEncoderLayer(const TakeParameter& take, const std::string& name,
                                bool xavier) const;
  DecoderLayer MakeDecoderLayer(const TakeParameter& take, const std::string& name) const;

  const ActConfig config_;
  const ActShape shape_;

  ResNet18 backbone_;
  Convolution image_projection_;
  Tensor class_token_, action_token_position_;  // the second is constant
  Linear vae_state_, vae_action_, vae_latent_;
  Linear latent_, state_, action_head_;
  Tensor token_position_, step_position_;
  std::vector<Tensor> image_position_;  // per camera, cells d; constant
  std::vector<EncoderLayer> vae_layers_, encoder_layers_;
  std::vector<DecoderLayer> decoder_layers_;
  Norm decoder_norm_;
};

}  // namespace understudy
