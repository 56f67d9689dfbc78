#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/base/rng.h"
#include "train/policies/act/act.h"
#include "train/policies/act/act_net.h"
#include "train/run/safetensors.h"
#include "train/torch/loss_net.h"

namespace understudy {
namespace {

class ActLoss : public LossNet {
 public:
  ActLoss(const ActShape& shape, const ActConfig& config, ActDraws draws, at::Device device,
          const TakeParameter& take, const BackboneWeights& backbone)
      : shape_(shape),
        config_(config),
        draws_(std::move(draws)),
        device_(device),
        net_(config, shape, device, take, backbone) {}

  // As LeRobot's, padding included in what is divided by: the mean over all B T A numbers of the
  // batch, and over its B samples. Sums: squared errors T, real steps T, both parts of the loss.
  PartLoss Loss(const BatchPart& part) const override {
    const Batch& batch = part.batch;
    const int64_t B = batch.size, T = shape_.horizon, A = shape_.action;
    const std::vector<float>& actions_BTA = batch[kActionColumn].numbers;
    const std::vector<uint8_t>& mask_BT = batch[kActionColumn].real_BT;
    Require(static_cast<int64_t>(actions_BTA.size()) == B * T * A &&
                static_cast<int64_t>(mask_BT.size()) == B * T,
            "actions fit the layout");
    Require(batch.sample_B.size() == static_cast<size_t>(B), "every sample has an identity");
    const ActInputs inputs = MakeActInputs(batch, shape_, config_, device_, part.bfloat16);
    const Tensor action = View(actions_BTA, {B, T, A}).to(device_);
    const Tensor real_BT = View(mask_BT, {B, T}).to(device_).ne(0);
    ActDropout dropout(config_.dropout,
                       [&](int place, at::IntArrayRef shape) { return Keep(part, place, shape); });

    PartLoss loss;
    Tensor divergence = at::zeros({}, action.options());
    {
      const AutocastScope autocast(device_.type(), part.bfloat16);
      Tensor latent = at::zeros({B, config_.latent_dim}, action.options());
      if (config_.use_vae) {
        const auto [mean, log_variance] =
            net_.EncodeActions(inputs.state_BS, action, real_BT, dropout);
        latent = mean + (log_variance / 2).exp() * Noise(part);
        divergence = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum();
      }
      loss.answer = net_.Decode(inputs, latent, dropout);
    }
    const Tensor mask = real_BT.to(at::kFloat).unsqueeze(-1);
    const Tensor error = (loss.answer - action) * mask;
    const double whole = part.whole.size;
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
  Tensor Noise(const BatchPart& part) const {
    const size_t size = static_cast<size_t>(config_.latent_dim);
    std::vector<float> noise_BL(part.batch.sample_B.size() * size);
    for (size_t b = 0; b < part.batch.sample_B.size(); ++b) {
      draws_.latent(part.batch.sample_B[b], part.update,
                    std::span(noise_BL).subspan(b * size, size));
    }
    return View(noise_BL, {part.batch.size, config_.latent_dim})
        .to(device_, at::kFloat, false, true);
  }

  Tensor Keep(const BatchPart& part, int place, at::IntArrayRef shape) const {
    Tensor keep = at::empty(shape, at::kByte);
    const size_t samples = part.batch.sample_B.size();
    const size_t size = static_cast<size_t>(keep.numel()) / samples;
    for (size_t b = 0; b < samples; ++b) {
      draws_.dropout(part.batch.sample_B[b], part.update, place,
                     {keep.data_ptr<uint8_t>() + b * size, size});
    }
    return keep.to(device_);
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
BackboneWeights ReadBackbone(const ActConfig& config, const ActShape& shape) {
  BackboneWeights weights;
  if (config.backbone_weights.empty()) return weights;
  const std::string& file = config.backbone_weights;
  const TensorMap tensors = ReadSafetensors(file).tensors;
  const std::string prefix = "model.backbone.";
  ActNet(config, shape, at::kCPU, [&](const ParameterSpec& spec) {
    if (!spec.name.starts_with(prefix)) return Tensor();
    const std::string name = spec.name.substr(prefix.size());
    const auto found = tensors.find(name);
    if (found == tensors.end()) {
      ThrowBadInput(fmt::format(
          "policy: backbone_weights: {}: tensor '{}' is missing: a ResNet-18 with torchvision's "
          "names is needed",
          file, name));
    }
    if (found->second.shape != spec.shape || found->second.dtype != "F32") {
      ThrowBadInput(
          fmt::format("policy: backbone_weights: {}: tensor '{}' is {} {}, the policy needs F32 {}",
                      file, name, found->second.dtype, found->second.shape, spec.shape));
    }
    weights[name] = std::make_shared<const std::vector<float>>(FloatsOf(found->second));
    return Tensor();
  });
  return weights;
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
  // 16 bits decide: a tenth is 6554 of 65536
  const auto hidden = static_cast<uint64_t>(std::lround(config.dropout * 65536));
  draws.dropout = [stream, hidden](uint64_t sample, int64_t update, int place,
                                   std::span<uint8_t> keep) {
    Rng rng(stream("train.dropout", sample, update).WithTerm(static_cast<uint64_t>(place)));
    for (size_t i = 0; i < keep.size(); i += 4) {
      uint64_t bits = rng.NextU64();
      for (size_t j = i; j < std::min(i + 4, keep.size()); ++j, bits >>= 16) {
        keep[j] = (bits & 0xffff) >= hidden;
      }
    }
  };
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
