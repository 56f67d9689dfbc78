#include <algorithm>

#include "core/base/error.h"
#include "core/base/rng.h"
#include "train/policies/groot_head/groot_head.h"

namespace understudy {

GrootHeadDraws DrawGrootHead(const Batch& batch, const GrootHeadConfig& config, uint64_t seed,
                             int64_t update) {
  Require(batch.sample_B.size() == static_cast<size_t>(batch.size), "every sample has an identity");
  GrootHeadDraws draws;
  const RngKey base = RngKey{seed}.WithVariant(static_cast<uint64_t>(update));
  const auto stream = [&](const char* stage, uint64_t sample) {
    return Rng(base.WithStage(stage).WithParent(sample));
  };
  for (const uint64_t sample : batch.sample_B) {
    Rng noise = stream("train.noise", sample);
    for (int i = 0; i < config.max_horizon * config.max_action; ++i) {
      draws.noise_BHA.push_back(static_cast<float>(noise.Normal()));
    }
    // noisy times are the more frequent; N1.5's can be a little below 0
    Rng time = stream("train.time", sample);
    const double share = time.Beta(config.time_alpha, config.time_beta);
    const double t = config.version == GrootRelease::kN15
                         ? (config.time_scale - share) / config.time_scale
                         : (1 - share) * config.time_scale;
    draws.time_B.push_back(static_cast<float>(t));
    if (config.state_dropout > 0) {
      draws.hide_state_B.push_back(stream("train.hide_state", sample).Uniform() <
                                   config.state_dropout);
    }
    if (config.state_noise > 0) {
      Rng state = stream("train.state_noise", sample);
      for (int i = 0; i < config.width; ++i) {
        draws.state_noise_Bd.push_back(static_cast<float>(config.state_noise * state.Normal()));
      }
    }
  }
  return draws;
}

}  // namespace understudy
