#include "core/base/error.h"
#include "train/policies/act/act.h"
#include "train/policies/act/act_net.h"
#include "train/torch/trained_weights.h"

namespace understudy {
namespace {

class ActModel : public ChunkModel {
 public:
  ActModel(const ActShape& shape, const ActConfig& config, at::Device device,
           TrainedWeights weights)
      : shape_(shape),
        config_(config),
        device_(device),
        net_(config, shape, device, weights.take()) {
    weights.RequireAllTaken();
  }

  // One sample at a time, with the latent's mean: nothing is drawn, and the rest of the batch
  // changes no bit.
  std::vector<float> Predict(const Batch& inputs, const std::vector<RngKey>&) const override {
    const c10::InferenceMode no_gradients;
    const ThreadScope one_core(1);
    std::vector<float> actions_BTA;
    for (size_t row = 0; row < static_cast<size_t>(inputs.size); ++row) {
      const ActInputs sample =
          MakeActInputs(PartOf(inputs, row, 1), shape_, config_, device_, false);
      ActDropout none;
      const Tensor latent = at::zeros({1, config_.latent_dim}, sample.state_BS.options());
      const Tensor chunk = net_.Decode(sample, latent, none).to(at::kCPU).contiguous();
      const float* values = chunk.data_ptr<float>();
      actions_BTA.insert(actions_BTA.end(), values, values + chunk.numel());
    }
    return actions_BTA;
  }

 private:
  const ActShape shape_;
  const ActConfig config_;
  const at::Device device_;
  const ActNet net_;
};

}  // namespace

std::unique_ptr<ChunkModel> MakeActChunkModel(const SampleLayout& layout, const Json& config,
                                              const TensorMap& weights) {
  const ActConfig read = ReadActConfig(config);
  const ThreadScope one_core(1);
  const at::Device device = ResolveDevice(read.inference_device);
  return std::make_unique<ActModel>(ActShapeOf(layout), read, device,
                                    TrainedWeights(weights, device));
}

}  // namespace understudy
