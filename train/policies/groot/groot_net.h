#pragma once

#include <span>
#include <string>
#include <vector>

#include "train/policies/groot/groot_config.h"
#include "train/policies/groot/image_encoder.h"
#include "train/samples/batch.h"
#include "train/torch/dropout.h"
#include "train/torch/layers.h"

namespace understudy {

// A batch on the device. Texts that occur several times are encoded once: U of them.
struct GrootInputs {
  // Per camera, in [-0.5, 0.5], channels last in memory; where not all samples have the camera, of
  // those that have it, and their rows; else `image_rows` is undefined.
  std::vector<Tensor> images_BCHW, image_rows;
  Tensor state_BS;
  Tensor tokens_UL;     // int64
  Tensor text_seen_UL;  // true = a token, false = padding
  Tensor text_row_B;    // row of tokens_UL
  SlotGroups slots;
};
// What of it differs between batches, in main memory. Throws Error(kBadInput) for token ids that
// the policy does not have; requires sizes that match the shape.
std::vector<Tensor> HostGrootInputs(const Batch& batch, const GrootShape& shape, int vocabulary);
// From those, moved to the device. Throws Error(kBadInput) for slots that the policy does not have.
// With `bfloat16`, images are converted to it.
GrootInputs MakeGrootInputs(std::span<const Tensor> inputs, const Batch& batch,
                            const GrootShape& shape, const GrootConfig& config, at::Device device,
                            bool bfloat16);
GrootInputs MakeGrootInputs(const Batch& batch, const GrootShape& shape, const GrootConfig& config,
                            int vocabulary, at::Device device, bool bfloat16);

// What does not change while a chunk is denoised.
struct GrootContext {
  Tensor state_B1d;      // the state token
  Tensor condition_B1d;  // added to the time code, or undefined
  Tensor vision_language_BLd;
  Tensor seen_B11L;                                    // false = padded text, missing camera
  std::vector<std::pair<Tensor, Tensor>> keys_values;  // of the cross-attention blocks
  SlotGroups slots;
  Tensor objects_BO;  // labels read off the images, or undefined
};

// Weights whose names begin so serve training only.
inline constexpr const char* kObjectHead = "objects.";

// The network of GrootConfig as functions of its weights; holds handles to them, no other state.
// Thread-safe where the weights are not written.
class GrootNet {
 public:
  // Takes every weight once, in a fixed order.
  GrootNet(const GrootConfig& config, const GrootShape& shape, int vocabulary, at::Device device,
           const TakeParameter& take);

  // `keep_state_B1` multiplies the state features of each sample (1 or 0); undefined = all kept.
  GrootContext Encode(const GrootInputs& inputs, const Tensor& keep_state_B1 = {}) const;

  // Velocity towards the actions at the bucket's time, for D noisy chunks per sample. Steps with
  // real_BT false are seen by no other; undefined = all real. Those with given_BDT true are actions
  // without noise, at the last bucket; undefined = none.
  Tensor Velocity(const GrootContext& context, const Tensor& noisy_BDTA, const Tensor& bucket_BD,
                  const Tensor& real_BT, const Tensor& given_BDT, Dropout& dropout) const;

 private:
  struct TextLayer {
    Norm norm1, norm2;
    Attention attention;
    FeedForward feed_forward;
  };
  struct Block {
    Linear modulation;  // scale, shift
    Attention attention;
    FeedForward feed_forward;
  };

  Tensor EncodeText(const Tensor& tokens_UL, const Tensor& seen_UL) const;

  GrootConfig config_;
  GrootShape shape_;

  std::vector<ImageEncoder> image_encoders_;
  Tensor camera_embedding_, word_embedding_, text_position_;
  std::vector<TextLayer> text_layers_;
  Norm vision_language_norm_;
  SlotLinear state1_, state2_;
  SlotLinear action1_, action2_actions_, action2_time_, action3_;
  Tensor action_position_;
  Linear time1_, time2_, condition_, objects1_, objects2_;
  std::vector<Block> blocks_;
  Linear out_modulation_, out_;
  SlotLinear decode1_, decode2_;
  Tensor action_time_code_, time_code_;  // constant tables
};

}  // namespace understudy
