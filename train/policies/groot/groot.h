#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "train/policies/groot/groot_config.h"
#include "train/run/chunk_model.h"
#include "train/run/trainer_options.h"
#include "train/torch/learner.h"
#include "train/torch/network.h"

namespace understudy {

// The random part of one update: D draws of noise and time for each of B samples.
struct FlowDraws {
  int draws = 0;                  // D
  std::vector<float> noise_BDTA;  // N(0, 1)
  std::vector<float> time_BD;     // in [0, time_scale]: 0 = noise, 1 = action
  std::vector<uint8_t> hide_state_B;
  std::vector<int>
      given_BD;  // first actions that are given, without noise, not learnt; empty: none
  // activations that dropout keeps (train/torch/dropout.h)
  std::function<void(uint64_t sample, int64_t update, int place, std::span<uint8_t> keep)> keep;
};

// What an update draws: a function of (seed, number of the update, sample identity) only.
FlowDraws DrawFlow(const Batch& batch, const GrootShape& shape, const GrootConfig& config,
                   uint64_t seed, int64_t update);

// Gives the draws of some samples at an update.
using DrawSource = std::function<FlowDraws(const Batch& samples, int64_t update)>;

// A trained GR00T-style policy; see ChunkModel. Each calling thread uses one core.
class GrootChunkModel : public ChunkModel {
 public:
  // Predict() from given noise, B T A.
  virtual std::vector<float> PredictFrom(const Batch& inputs,
                                         const std::vector<float>& noise_BTA) const = 0;
};

// Training of a GR00T-style policy. `policy_config` is read as GrootConfig; token ids must lie
// below `vocabulary` (0 = padding, 1 = unknown). Without `draw`, DrawFlow is used. Throws
// Error(kBadInput) on bad values.
std::unique_ptr<Learner> MakeGrootLearner(const SampleLayout& layout, int vocabulary,
                                          const Json& policy_config, const TrainerOptions& trainer,
                                          DrawSource draw = {});

// Throws Error(kBadInput) where a tensor is missing, unknown or of another shape.
std::unique_ptr<GrootChunkModel> MakeGrootChunkModel(const SampleLayout& layout, const Json& config,
                                                     const TensorMap& weights);

// The policy's entry in the module of LibTorch.
PolicyNetwork GrootNetwork();

}  // namespace understudy
