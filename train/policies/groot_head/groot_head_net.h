#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "train/policies/groot_head/groot_head_config.h"
#include "train/torch/dropout.h"
#include "train/torch/layers.h"

namespace understudy {

// A batch on the device.
struct GrootHeadInputs {
  Tensor features_BLW;
  Tensor kinds_BL;   // FeatureKind, as floats
  Tensor state_B1S;  // all of its history, each padded to max_state
};
// What of it differs between batches, in main memory. Requires sizes that match the shape.
std::vector<Tensor> HostGrootHeadInputs(const Batch& batch, const GrootHeadShape& shape,
                                        const GrootHeadConfig& config);
inline GrootHeadInputs MakeGrootHeadInputs(std::span<const Tensor> inputs) {
  return {inputs[0], inputs[1], inputs[2]};
}

// What does not change while a chunk is denoised.
struct GrootHeadContext {
  Tensor state_B1d;                                    // the state token
  std::vector<std::pair<Tensor, Tensor>> keys_values;  // of the blocks that attend to features
  std::vector<Tensor> seen_B11L;                       // and what they may see
};

// The network of GrootHeadConfig as functions of its weights, with one row of the tables; holds
// handles to them, no other state. Thread-safe where the weights are not written.
class GrootHeadNet {
 public:
  // Takes every weight once, in a fixed order.
  GrootHeadNet(const GrootHeadConfig& config, at::Device device, const TakeParameter& take);

  // `keep_state_B11` is 1, or 0 for samples whose state is hidden, `noise_B1d` is added to the
  // state token; undefined = none.
  GrootHeadContext Encode(const GrootHeadInputs& inputs, const Tensor& keep_state_B11,
                          const Tensor& noise_B1d, Dropout& dropout) const;

  // Velocity towards the actions at the bucket's time, padding included: H = max_horizon,
  // A = max_action.
  Tensor Velocity(const GrootHeadContext& context, const Tensor& noisy_BHA, const Tensor& bucket_B,
                  Dropout& dropout) const;

 private:
  struct Mlp {
    SlotLinear layer1, layer2;
    Tensor operator()(const Tensor& x) const;
  };
  // As diffusers' BasicTransformerBlock.
  struct Block {
    Norm norm1, norm3;  // of blocks over features
    Linear modulation;  // scale, shift: of the others
    Attention attention;
    Linear in, out;
  };

  Block MakeBlock(const TakeParameter& take, const std::string& name, int width, int heads,
                  int attended, bool modulated) const;
  static Tensor RunBlock(const Block& block, const Tensor& h, const Tensor& normed,
                         const Tensor& keys, const Tensor& values, const Tensor& seen,
                         Dropout& dropout);

  GrootHeadConfig config_;
  Mlp state_, decoder_;
  SlotLinear action1_, action2_, action3_;
  Tensor positions_, future_, mask_token_;
  Norm feature_norm_;
  std::vector<Block> feature_blocks_, blocks_;
  Linear time1_, time2_, out_modulation_, out_;
  Tensor action_time_code_, time_code_;  // constant tables
};

}  // namespace understudy
