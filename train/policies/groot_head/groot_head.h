#pragma once

#include <memory>
#include <vector>

#include "train/policies/groot_head/groot_head_config.h"
#include "train/run/chunk_model.h"
#include "train/run/trainer_options.h"
#include "train/torch/learner.h"
#include "train/torch/network.h"

namespace understudy {

// The random part of one update, for B samples; H, A: max_horizon, max_action.
struct GrootHeadDraws {
  std::vector<float> noise_BHA;       // N(0, 1)
  std::vector<float> time_B;          // 0 = noise, about 1 = action
  std::vector<uint8_t> hide_state_B;  // empty: none is hidden
  std::vector<float> state_noise_Bd;  // N(0, state_noise); empty: none
};

// What an update draws: a function of (seed, number of the update, sample identity) only.
GrootHeadDraws DrawGrootHead(const Batch& batch, const GrootHeadConfig& config, uint64_t seed,
                             int64_t update);
using GrootHeadDrawSource = std::function<GrootHeadDraws(const Batch& samples, int64_t update)>;

// A trained head; see ChunkModel.
class GrootHeadChunkModel : public ChunkModel {
 public:
  // Predict() from given noise, B H A.
  virtual std::vector<float> PredictFrom(const Batch& inputs,
                                         const std::vector<float>& noise_BHA) const = 0;
};

// Training of the head. `policy_config` is read as GrootHeadConfig; with `release` weights begin as
// there. Without `draw`, DrawGrootHead is used. The answer of Learner::Differentiate is the
// velocity, B H A. Throws Error(kBadInput) on bad values.
std::unique_ptr<Learner> MakeGrootHeadLearner(const SampleLayout& layout, const Json& policy_config,
                                              const TrainerOptions& trainer,
                                              GrootHeadDrawSource draw = {});

// Throws Error(kBadInput) where a tensor is missing, unknown or of another shape.
std::unique_ptr<GrootHeadChunkModel> MakeGrootHeadChunkModel(const SampleLayout& layout,
                                                             const Json& config,
                                                             const TensorMap& weights);

// The policy's entry in the module of LibTorch.
PolicyNetwork GrootHeadNetwork();

}  // namespace understudy
