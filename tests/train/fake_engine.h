#pragma once

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "core/base/progress.h"
#include "train/run/chunk_model.h"
#include "train/run/update_engine.h"
#include "train/tensors/safetensors.h"

namespace understudy {

// A "network" of `layout.action` numbers that drift toward the mean masked action of what it is
// given, with momentum and a keyed disturbance: every update depends on the batch, the number of
// the update, the seed and all earlier updates, as a real one does.
class FakeEngine : public UpdateEngine {
 public:
  FakeEngine(const SampleLayout& layout, const Json& policy, const TrainerOptions& trainer)
      : policy_(policy),
        seed_(*trainer.seed),
        // starts wrong on purpose, so that learning shows whatever the actions' mean is
        weights_(static_cast<size_t>(layout[kActionColumn].info.size()), 1),
        momentum_(weights_.size()) {}

  void Update(const Batch& batch) override {
    const size_t A = weights_.size();
    std::vector<double> sum(A);
    double count = 0, pixels = 0;
    const BatchColumn& action = batch[kActionColumn];
    for (size_t i = 0; i < action.real_BT.size(); ++i) {
      if (action.real_BT[i] == 0) continue;
      ++count;
      for (size_t a = 0; a < A; ++a) sum[a] += action.numbers[i * A + a];
    }
    for (const BatchColumn& column : batch.columns) {
      for (const uint8_t p : column.pixels) pixels += p;
    }
    double loss = 0;
    for (size_t a = 0; a < A; ++a) {
      Rng noise(RngKey{.seed = seed_,
                       .parent = batch.sample_B[0],
                       .term = static_cast<uint64_t>(updates_) * 100 + a});
      const double error = sum[a] / count - weights_[a];
      loss += error * error;
      momentum_[a] = static_cast<float>(0.9 * momentum_[a] + 0.1 * error + 1e-3 * noise.Normal() +
                                        1e-12 * pixels);
      weights_[a] += 0.1f * momentum_[a];
    }
    ++updates_;
    ++taken_.updates;
    losses_ += loss;
  }
  LossReport TakeLosses() override {
    LossReport report = taken_;
    if (report.updates > 0) report.loss = losses_ / static_cast<double>(report.updates);
    taken_ = {};
    losses_ = 0;
    return report;
  }
  int64_t updates() const override { return updates_; }
  ComputeCost cost() const override { return {2e6, 5e9}; }
  TensorMap ExportState() const override {
    const int64_t A = static_cast<int64_t>(weights_.size());
    return {{"weights.w", FloatTensor(weights_, {A})},
            {"momentum", FloatTensor(momentum_, {A})},
            {"updates", FloatTensor({static_cast<float>(updates_)}, {})}};
  }
  void ImportState(const TensorMap& state) override {
    weights_ = FloatsOf(state.at("weights.w"));
    momentum_ = FloatsOf(state.at("momentum"));
    updates_ = static_cast<int64_t>(FloatsOf(state.at("updates"))[0]);
  }
  TensorMap ExportPolicy() const override {
    return {{"w", FloatTensor(weights_, {static_cast<int64_t>(weights_.size())})}};
  }
  Json PolicyConfig() const override { return policy_; }
  Json Describe() const override { return Json{{"parameters", weights_.size()}}; }

 private:
  Json policy_;
  uint64_t seed_;
  std::vector<float> weights_, momentum_;
  int64_t updates_ = 0;
  LossReport taken_;
  double losses_ = 0;
};

// Says its weights at every step of the chunk, shifted a little by the key and by what it sees.
class FakeModel : public ChunkModel {
 public:
  FakeModel(const SampleLayout& layout, const TensorMap& weights)
      : layout_(layout), w_(FloatsOf(weights.at("w"))) {}
  std::vector<float> Predict(const Batch& inputs, const std::vector<RngKey>& keys) const override {
    std::vector<float> out;
    for (size_t b = 0; b < static_cast<size_t>(inputs.size); ++b) {
      Rng rng(keys[b]);
      const double seen =
          inputs.columns[0].pixels.empty() ? 0 : inputs.columns[0].pixels[0] / 2550.0;
      for (int k = 0; k < layout_[kActionColumn].steps(); ++k) {
        for (const float w : w_) out.push_back(static_cast<float>(w + seen + 0.1 * rng.Normal()));
      }
    }
    return out;
  }

 private:
  SampleLayout layout_;
  std::vector<float> w_;
};

inline EngineFactory FakeEngineFactory() {
  return [](const std::string&, const SampleLayout& layout, int, const Json& policy,
            const TrainerOptions& trainer) {
    return std::make_unique<FakeEngine>(layout, policy, trainer);
  };
}
inline ChunkModelFactory FakeModelFactory() {
  return [](const std::string&, const SampleLayout& layout, const Json&, const TensorMap& weights) {
    return std::make_unique<FakeModel>(layout, weights);
  };
}

inline Progress* SilentProgress() {
  static Progress silent;
  return &silent;
}

}  // namespace understudy
