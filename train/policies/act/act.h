#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "train/policies/act/act_config.h"
#include "train/run/chunk_model.h"
#include "train/run/trainer_options.h"
#include "train/torch/learner.h"
#include "train/torch/network.h"

namespace understudy {

// What an update draws for one sample: functions of (seed, number of the update, sample identity)
// and, for dropout, of its place in the network, counted in the order of computation.
struct ActDraws {
  // N(0, 1), one for each number of the latent
  std::function<void(uint64_t sample, int64_t update, std::span<float> noise)> latent;
  // 1 = kept, 0 = hidden
  std::function<void(uint64_t sample, int64_t update, int place, std::span<uint8_t> keep)> dropout;
};
ActDraws DrawAct(const ActConfig& config, uint64_t seed);

// Training. `policy_config` is read as ActConfig. Without `draws`, DrawAct is used. The answer of
// Learner::Differentiate is the chunk, B T A. Throws Error(kBadInput) on bad values.
std::unique_ptr<Learner> MakeActLearner(const SampleLayout& layout, const Json& policy_config,
                                        const TrainerOptions& trainer, ActDraws draws = {});

// Throws Error(kBadInput) where a tensor is missing, unknown or of another shape.
std::unique_ptr<ChunkModel> MakeActChunkModel(const SampleLayout& layout, const Json& config,
                                              const TensorMap& weights);

// The policy's entry in the module of LibTorch.
PolicyNetwork ActNetwork();

}  // namespace understudy
