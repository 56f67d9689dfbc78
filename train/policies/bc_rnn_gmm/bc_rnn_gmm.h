#pragma once

#include <memory>

#include "train/policies/bc_rnn_gmm/bc_rnn_gmm_config.h"
#include "train/run/chunk_model.h"
#include "train/run/trainer_options.h"
#include "train/torch/learner.h"
#include "train/torch/network.h"

namespace understudy {

// Training of the policy. `policy_config` is read as BcRnnGmmConfig. Differentiated::answer holds
// for every step of every sequence the means (modes x A, in [-1, 1]), the deviations (modes x A)
// and the logits (modes). Throws Error(kBadInput) on bad values.
std::unique_ptr<Learner> MakeBcRnnGmmLearner(const SampleLayout& layout, const Json& policy_config,
                                             const TrainerOptions& trainer);

// Throws Error(kBadInput) where a tensor is missing, unknown or of another shape.
std::unique_ptr<ChunkModel> MakeBcRnnGmmChunkModel(const SampleLayout& layout, const Json& config,
                                                   const TensorMap& weights);

// The policy's entry in the module of LibTorch.
PolicyNetwork BcRnnGmmNetwork();

}  // namespace understudy
