#include <algorithm>
#include <optional>
#include <utility>

#include "core/base/error.h"
#include "core/base/phases.h"
#include "train/policies/groot/groot.h"
#include "train/policies/groot/groot_net.h"
#include "train/torch/trained_weights.h"

namespace understudy {
namespace {

class Model : public GrootChunkModel {
 public:
  Model(const GrootShape& shape, const GrootConfig& config, int vocabulary, at::Device device,
        TrainedWeights weights)
      : shape_(shape),
        config_(config),
        vocabulary_(vocabulary),
        device_(device),
        net_(config, shape, vocabulary, device, weights.take()) {
    weights.RequireAllTaken();
  }

  std::vector<float> Predict(const Batch& inputs, const std::vector<RngKey>& keys) const override {
    Require(keys.size() == static_cast<size_t>(inputs.size), "one key per sample");
    const size_t chunk = ChunkSize();
    std::vector<float> noise;
    noise.reserve(keys.size() * chunk);
    for (const RngKey& key : keys) {
      Rng rng(key.WithTerm("noise"));
      for (size_t i = 0; i < chunk; ++i) noise.push_back(static_cast<float>(rng.Normal()));
    }
    return PredictFrom(inputs, noise);
  }

  std::vector<float> PredictFrom(const Batch& inputs,
                                 const std::vector<float>& noise_BTA) const override {
    const size_t size = static_cast<size_t>(inputs.size), chunk = ChunkSize();
    Require(noise_BTA.size() == size * chunk, "noise fits the batch");
    Require(inputs.embodiment_B.size() == size, "embodiments fit the batch");
    return AnswerEach(inputs, [&](const Batch& sample, size_t row) {
      return ToFloats(Denoise(sample, noise_BTA.data() + row * chunk));
    });
  }

 private:
  size_t ChunkSize() const {
    return static_cast<size_t>(shape_.horizon) * static_cast<size_t>(shape_.action);
  }

  // Euler steps from noise (time 0) to actions (time 1); those that are given stay what they are.
  Tensor Denoise(const Batch& sample, const float* noise_TA) const {
    std::optional<PhaseScope> encodes(std::in_place, "encode");
    const GrootContext context =
        net_.Encode(MakeGrootInputs(sample, shape_, config_, vocabulary_, device_, false));
    encodes.reset();
    const PhaseScope denoises("denoise");
    Tensor chunk = at::empty({1, 1, shape_.horizon, shape_.action}, at::kFloat);
    std::copy_n(noise_TA, ChunkSize(), chunk.data_ptr<float>());
    chunk = chunk.to(device_);
    Tensor given_BDT;
    if (const BatchColumn* given = sample.Find(kCommittedColumn)) {
      given_BDT = View(given->real_BT, {1, 1, shape_.horizon}).to(device_).ne(0);
      const Tensor actions = View(given->numbers, chunk.sizes()).to(device_);
      chunk = at::where(given_BDT.unsqueeze(3), actions, chunk);
    }
    const int steps = config_.sampling_steps;
    for (int step = 0; step < steps; ++step) {
      const int64_t bucket = int64_t{step} * config_.time_buckets / steps;
      const Tensor bucket_BD =
          at::full({1, 1}, bucket, at::TensorOptions().dtype(at::kLong).device(device_));
      Dropout none;
      Tensor velocity = net_.Velocity(context, chunk, bucket_BD, {}, given_BDT, none);
      if (given_BDT.defined()) velocity = velocity.masked_fill(given_BDT.unsqueeze(3), 0);
      chunk = chunk + velocity * (1.0 / steps);
    }
    return chunk;
  }

  const GrootShape shape_;
  const GrootConfig config_;
  const int vocabulary_;
  const at::Device device_;
  const GrootNet net_;
};

}  // namespace

std::unique_ptr<GrootChunkModel> MakeGrootChunkModel(const SampleLayout& layout, const Json& config,
                                                     const TensorMap& weights) {
  const GrootConfig read = ReadGrootConfig(config);
  const ThreadScope one_core(1);
  const at::Device device = ResolveDevice(read.inference_device);
  const auto words = weights.find("text.words");
  if (words == weights.end() || words->second.shape.size() != 2) {
    ThrowBadInput(
        "policy weights: tensor 'text.words' is missing or no matrix; the file is not a "
        "policy of this program");
  }
  return std::make_unique<Model>(GrootShapeOf(layout, read), read,
                                 static_cast<int>(words->second.shape[0]), device,
                                 TrainedWeights(weights, device));
}

}  // namespace understudy
