#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/base/rng.h"
#include "train/policies/groot/groot.h"

namespace understudy {
namespace {

// Real steps of each sample's actions, which are its first ones.
std::vector<int> RealSteps(const Batch& batch, int horizon) {
  const std::vector<uint8_t>& real_BT = batch[kActionColumn].real_BT;
  std::vector<int> steps;
  for (auto begin = real_BT.begin(); begin != real_BT.end(); begin += horizon) {
    steps.push_back(static_cast<int>(std::count(begin, begin + horizon, 1)));
  }
  return steps;
}

}  // namespace

FlowDraws DrawFlow(const Batch& batch, const GrootShape& shape, const GrootConfig& config,
                   uint64_t seed, int64_t update) {
  Require(batch.sample_B.size() == static_cast<size_t>(batch.size), "every sample has an identity");
  FlowDraws result;
  result.draws = config.noise_draws;
  const size_t chunk = static_cast<size_t>(shape.horizon) * static_cast<size_t>(shape.action);
  const size_t chunks = static_cast<size_t>(batch.size) * static_cast<size_t>(result.draws);
  result.noise_BDTA.reserve(chunks * chunk);
  result.time_BD.reserve(chunks);

  // one stream per sample, draw and purpose
  const int max_delay = config.rtc_training_max_delay;
  const std::vector<int> real_B =
      max_delay > 0 ? RealSteps(batch, shape.horizon) : std::vector<int>();
  const RngKey base = RngKey{seed}.WithVariant(static_cast<uint64_t>(update));
  for (size_t b = 0; b < batch.sample_B.size(); ++b) {
    const uint64_t sample = batch.sample_B[b];
    for (int draw = 0; draw < result.draws; ++draw) {
      Rng noise(
          base.WithStage("train.noise").WithParent(sample).WithTerm(static_cast<uint64_t>(draw)));
      for (size_t i = 0; i < chunk; ++i) {
        result.noise_BDTA.push_back(static_cast<float>(noise.Normal()));
      }

      // noisy times are the more frequent (Isaac-GR00T N1.6: (1 - b) * 0.999, b ~ Beta(1.5, 1))
      Rng time(
          base.WithStage("train.time").WithParent(sample).WithTerm(static_cast<uint64_t>(draw)));
      const double share = time.Beta(config.time_alpha, config.time_beta);
      result.time_BD.push_back(static_cast<float>((1 - share) * config.time_scale));

      // every delay as often as the others, and something left to learn
      if (max_delay == 0) continue;
      Rng delay(
          base.WithStage("train.delay").WithParent(sample).WithTerm(static_cast<uint64_t>(draw)));
      const int given = static_cast<int>(delay.UniformInt(0, max_delay));
      result.given_BD.push_back(std::clamp(given, 0, std::max(0, real_B[b] - 1)));
    }
    Rng hide(base.WithStage("train.hide_state").WithParent(sample));
    result.hide_state_B.push_back(hide.Uniform() < config.state_dropout);
  }
  return result;
}

}  // namespace understudy
