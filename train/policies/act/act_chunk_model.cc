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

  // With the latent's mean: nothing is drawn.
  std::vector<float> Predict(const Batch& inputs, const std::vector<RngKey>&) const override {
    return AnswerEach(inputs, [this](const Batch& sample, size_t) {
      const ActInputs seen = MakeActInputs(sample, shape_, config_, device_, false);
      Dropout none;
      const Tensor latent = at::zeros({1, config_.latent_dim}, seen.state_BS.options());
      return ToFloats(net_.Decode(seen, latent, none));
    });
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
