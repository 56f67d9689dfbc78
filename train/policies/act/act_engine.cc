#include "core/base/error.h"
#include "core/base/rng.h"
#include "train/policies/act/act.h"
#include "train/policies/act/act_net.h"
#include "train/torch/loss_net.h"

namespace understudy {
namespace {

class ActLoss : public LossNet {
 public:
  ActLoss(const ActShape& shape, const ActConfig& config, ActDraws draws, at::Device device,
          const TakeParameter& take, const FirstValues& backbone)
      : shape_(shape),
        config_(config),
        draws_(std::move(draws)),
        device_(device),
        net_(config, shape, device, take, backbone) {}

  // As LeRobot's, padding included in what is divided by: the mean over all B T A numbers of the
  // batch, and over its B samples. Sums: squared errors T, real steps T, both parts of the loss.
  PartLoss Loss(const BatchPart& part) const override {
    const std::vector<Tensor> taken =
        TakeInputs(part, device_, [this](const BatchPart& later) { return HostInputs(later); });
    const ActInputs inputs =
        MakeActInputs(std::span(taken).subspan(kOwnInputs), shape_, part.bfloat16);
    const Tensor &action = taken[0], &whole = taken[2], &noise = taken[3];
    const Tensor real_BT = taken[1].ne(0);
    const int64_t B = action.size(0), T = shape_.horizon, A = shape_.action;
    Dropout dropout(config_.dropout, draws_.dropout, part);

    PartLoss loss;
    Tensor divergence = at::zeros({}, action.options());
    {
      const AutocastScope autocast(device_.type(), part.bfloat16);
      Tensor latent = at::zeros({B, config_.latent_dim}, action.options());
      if (config_.use_vae) {
        const auto [mean, log_variance] =
            net_.EncodeActions(inputs.state_BS, action, real_BT, dropout);
        latent = mean + (log_variance / 2).exp() * noise.clone();
        divergence = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum();
      }
      loss.answer = net_.Decode(inputs, latent, dropout);
    }
    const Tensor mask = real_BT.to(at::kFloat).unsqueeze(-1);
    const Tensor error = (loss.answer - action) * mask;
    const Tensor l1 = error.abs().sum() / (whole * static_cast<double>(T * A));
    divergence = divergence / whole;
    loss.loss = l1 + divergence * config_.kl_weight;
    const Tensor seen = error.detach();
    loss.sums_N =
        at::cat({seen.square().sum(at::IntArrayRef({0, 2})), mask.sum(at::IntArrayRef({0, 2})),
                 l1.detach().view({1}), divergence.detach().view({1})});
    return loss;
  }

 private:
  // What the loss takes of a part beside HostActInputs, which stand behind it.
  static constexpr size_t kOwnInputs = 4;
  std::vector<Tensor> HostInputs(const BatchPart& part) const {
    const Batch& batch = part.batch;
    const int64_t B = batch.size, T = shape_.horizon, A = shape_.action;
    const std::vector<float>& actions_BTA = batch[kActionColumn].numbers;
    const std::vector<uint8_t>& mask_BT = batch[kActionColumn].real_BT;
    Require(static_cast<int64_t>(actions_BTA.size()) == B * T * A &&
                static_cast<int64_t>(mask_BT.size()) == B * T,
            "actions fit the layout");
    Require(batch.sample_B.size() == static_cast<size_t>(B), "every sample has an identity");
    std::vector<Tensor> inputs{View(actions_BTA, {B, T, A}), View(mask_BT, {B, T}),
                               at::scalar_tensor(part.whole.size, at::kFloat),
                               config_.use_vae ? Noise(part) : Tensor()};
    const std::vector<Tensor> seen = HostActInputs(batch, shape_, config_);
    inputs.insert(inputs.end(), seen.begin(), seen.end());
    return inputs;
  }

  Tensor Noise(const BatchPart& part) const {
    const size_t size = static_cast<size_t>(config_.latent_dim);
    std::vector<float> noise_BL(part.batch.sample_B.size() * size);
    for (size_t b = 0; b < part.batch.sample_B.size(); ++b) {
      draws_.latent(part.batch.sample_B[b], part.update,
                    std::span(noise_BL).subspan(b * size, size));
    }
    return Own(std::move(noise_BL), {part.batch.size, config_.latent_dim});
  }

  const ActShape shape_;
  const ActConfig config_;
  const ActDraws draws_;
  const at::Device device_;
  const ActNet net_;
};

void ReportAct(const ActShape& shape, std::span<const double> sums, LossReport& report) {
  const auto T = static_cast<size_t>(shape.horizon);
  for (size_t t = 0; t < T; ++t) {
    report.by_step.push_back(sums[T + t] > 0 ? sums[t] / (sums[T + t] * shape.action) : 0);
  }
  const auto updates = static_cast<double>(report.updates);
  report.parts = {{"l1", sums[2 * T] / updates}, {"kl", sums[2 * T + 1] / updates}};
}

// The weights of a file with torchvision's names, as many as a ResNet-18 without its head has.
FirstValues ReadBackbone(const ActConfig& config, const ActShape& shape) {
  if (config.backbone_weights.empty()) return {};
  std::vector<ParameterSpec> weights;
  ActNet(config, shape, at::kCPU, [&](const ParameterSpec& spec) {
    weights.push_back(spec);
    return Tensor();
  });
  return ReadFirstValues("backbone_weights", config.backbone_weights,
                         "a ResNet-18 with torchvision's names", "model.backbone.", weights);
}

}  // namespace

ActDraws DrawAct(const ActConfig& config, uint64_t seed) {
  const auto stream = [seed](const char* stage, uint64_t sample, int64_t update) {
    return RngKey{seed}
        .WithVariant(static_cast<uint64_t>(update))
        .WithStage(stage)
        .WithParent(sample);
  };
  ActDraws draws;
  draws.latent = [stream](uint64_t sample, int64_t update, std::span<float> noise) {
    Rng rng(stream("train.latent", sample, update));
    for (float& number : noise) number = static_cast<float>(rng.Normal());
  };
  draws.dropout = DrawDropout(config.dropout, seed);
  return draws;
}

std::unique_ptr<Learner> MakeActLearner(const SampleLayout& layout, const Json& policy_config,
                                        const TrainerOptions& trainer, ActDraws draws) {
  Require(trainer.steps && trainer.seed, "steps and seed are known");
  const ActConfig config = ReadActConfig(policy_config);
  const ActShape shape = ActShapeOf(layout);
  if (!draws.latent) draws = DrawAct(config, *trainer.seed);
  LearntPolicy policy;
  policy.make_net = [shape, config, draws, backbone = ReadBackbone(config, shape)](
                        at::Device device, const TakeParameter& take) {
    return std::make_unique<ActLoss>(shape, config, draws, device, take, backbone);
  };
  policy.sums = 2 * int64_t{shape.horizon} + 2;
  policy.report = [shape](std::span<const double> sums, LossReport& report) {
    ReportAct(shape, sums, report);
  };
  policy.config = ToJson(config);
  policy.fixed_shapes = true;
  return MakeLearner(std::move(policy), trainer);
}

PolicyNetwork ActNetwork() {
  return {"act",
          [](const SampleLayout& layout, int, const Json& policy_config,
             const TrainerOptions& trainer) -> std::unique_ptr<UpdateEngine> {
            return MakeActLearner(layout, policy_config, trainer);
          },
          [](const SampleLayout& layout, const Json& config, const TensorMap& weights) {
            return MakeActChunkModel(layout, config, weights);
          }};
}

}  // namespace understudy
