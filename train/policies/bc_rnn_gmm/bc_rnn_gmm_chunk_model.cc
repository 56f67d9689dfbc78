#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "train/policies/bc_rnn_gmm/bc_rnn_gmm.h"
#include "train/policies/bc_rnn_gmm/bc_rnn_gmm_net.h"
#include "train/torch/trained_weights.h"

namespace understudy {
namespace {

// Holds no memory: what a network that keeps its hidden state has seen since it began is in the
// batch, and the LSTM is run over it again.
class RecurrentModel : public ChunkModel {
 public:
  RecurrentModel(const BcRnnGmmShape& shape, const BcRnnGmmConfig& config, at::Device device,
                 TrainedWeights weights)
      : shape_(shape),
        config_(config),
        device_(device),
        net_(config, shape, device, weights.take()) {
    weights.RequireAllTaken();
  }

  std::vector<float> Predict(const Batch& inputs, const std::vector<RngKey>& keys) const override {
    Require(keys.size() == static_cast<size_t>(inputs.size), "one key per sample");
    return AnswerEach(inputs,
                      [&](const Batch& sample, size_t row) { return Act(sample, keys[row]); });
  }

 private:
  // A draw from the mixture of the last step, its deviations replaced by a small one.
  std::vector<float> Act(const Batch& sample, const RngKey& key) const {
    const auto middle = [this](size_t, size_t, size_t) {
      if (config_.crop == 0) return CropPlace{};
      return CropPlace{(shape_.width - config_.crop) / 2, (shape_.height - config_.crop) / 2};
    };
    const ActionMixture mixture =
        net_(MakeBcRnnGmmInputs(sample, shape_, config_, middle, device_));
    const auto last = [](const Tensor& x) { return x.select(1, -1).to(at::kCPU).contiguous(); };
    const Tensor shares = last(at::softmax(mixture.logits_BTM, -1)),
                 means = last(mixture.means_BTMA);
    const float* share_M = shares.data_ptr<float>();

    Rng rng(key.WithTerm("action"));
    double left = rng.Uniform();
    int mode = 0;
    while (mode + 1 < config_.modes && left >= share_M[mode]) left -= share_M[mode++];
    std::vector<float> action_A(static_cast<size_t>(shape_.action));
    const float* mean_A = means.data_ptr<float>() + int64_t{mode} * shape_.action;
    for (float& value : action_A) {
      value = static_cast<float>(*mean_A++ + config_.acting_std * rng.Normal());
    }
    return action_A;
  }

  const BcRnnGmmShape shape_;
  const BcRnnGmmConfig config_;
  const at::Device device_;
  const BcRnnGmmNet net_;
};

}  // namespace

std::unique_ptr<ChunkModel> MakeBcRnnGmmChunkModel(const SampleLayout& layout, const Json& config,
                                                   const TensorMap& weights) {
  const BcRnnGmmConfig read = ReadBcRnnGmmConfig(config);
  const ThreadScope one_core(1);
  const at::Device device = ResolveDevice(read.inference_device);
  return std::make_unique<RecurrentModel>(BcRnnGmmShapeOf(layout, read), read, device,
                                          TrainedWeights(weights, device));
}

}  // namespace understudy
