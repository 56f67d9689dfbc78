#include <algorithm>
#include <optional>

#include "core/base/error.h"
#include "core/base/phases.h"
#include "core/base/rng.h"
#include "train/policies/groot_head/groot_head.h"
#include "train/policies/groot_head/groot_head_net.h"
#include "train/torch/trained_weights.h"

namespace understudy {
namespace {

class HeadModel : public GrootHeadChunkModel {
 public:
  HeadModel(const GrootHeadShape& shape, const GrootHeadConfig& config, at::Device device,
            TrainedWeights weights)
      : shape_(shape), config_(config), device_(device), net_(config, device, weights.take()) {
    weights.RequireAllTaken();
  }

  std::vector<float> Predict(const Batch& inputs, const std::vector<RngKey>& keys) const override {
    Require(keys.size() == static_cast<size_t>(inputs.size), "one key per sample");
    std::vector<float> noise;
    for (const RngKey& key : keys) {
      Rng rng(key.WithTerm("noise"));
      for (size_t i = 0; i < ChunkSize(); ++i) noise.push_back(static_cast<float>(rng.Normal()));
    }
    return PredictFrom(inputs, noise);
  }

  std::vector<float> PredictFrom(const Batch& inputs,
                                 const std::vector<float>& noise_BHA) const override {
    Require(noise_BHA.size() == static_cast<size_t>(inputs.size) * ChunkSize(),
            "noise fits the batch");
    return AnswerEach(inputs, [&](const Batch& sample, size_t row) {
      return ToFloats(Denoise(sample, noise_BHA.data() + row * ChunkSize()));
    });
  }

 private:
  size_t ChunkSize() const {
    return static_cast<size_t>(config_.max_horizon) * static_cast<size_t>(config_.max_action);
  }

  // Euler steps from noise to actions, padding included; then what the robot has of them.
  Tensor Denoise(const Batch& sample, const float* noise_HA) const {
    std::optional<PhaseScope> encodes(std::in_place, "encode");
    std::vector<Tensor> inputs = HostGrootHeadInputs(sample, shape_, config_);
    for (Tensor& input : inputs) input = input.to(device_);
    Dropout none;
    const GrootHeadContext context = net_.Encode(MakeGrootHeadInputs(inputs), {}, {}, none);
    encodes.reset();
    const PhaseScope denoises("denoise");
    Tensor chunk = at::empty({1, config_.max_horizon, config_.max_action}, at::kFloat);
    std::copy_n(noise_HA, ChunkSize(), chunk.data_ptr<float>());
    chunk = chunk.to(device_);
    const int steps = config_.sampling_steps;
    for (int step = 0; step < steps; ++step) {
      const int64_t bucket = int64_t{step} * config_.time_buckets / steps;
      const Tensor bucket_B =
          at::full({1}, bucket, at::TensorOptions().dtype(at::kLong).device(device_));
      chunk = chunk + net_.Velocity(context, chunk, bucket_B, none) * (1.0 / steps);
    }
    return chunk.narrow(1, 0, shape_.horizon).narrow(2, 0, shape_.action);
  }

  const GrootHeadShape shape_;
  const GrootHeadConfig config_;
  const at::Device device_;
  const GrootHeadNet net_;
};

}  // namespace

std::unique_ptr<GrootHeadChunkModel> MakeGrootHeadChunkModel(const SampleLayout& layout,
                                                             const Json& config,
                                                             const TensorMap& weights) {
  const GrootHeadConfig read = ReadGrootHeadConfig(config);
  const ThreadScope one_core(1);
  const at::Device device = ResolveDevice(read.inference_device);
  return std::make_unique<HeadModel>(GrootHeadShapeOf(layout, read), read, device,
                                     TrainedWeights(weights, device));
}

}  // namespace understudy
