#include <cmath>
#include <numbers>

#include "core/base/error.h"
#include "train/policies/bc_rnn_gmm/bc_rnn_gmm.h"
#include "train/policies/bc_rnn_gmm/bc_rnn_gmm_net.h"
#include "train/torch/loss_net.h"

namespace understudy {
namespace {

class BcRnnGmmLoss : public LossNet {
 public:
  BcRnnGmmLoss(const BcRnnGmmShape& shape, const BcRnnGmmConfig& config, uint64_t seed,
               at::Device device, const TakeParameter& take)
      : shape_(shape),
        config_(config),
        seed_(seed),
        device_(device),
        net_(config, shape, device, take) {}

  // The negative log-likelihood of the actions, its mean over the real steps. Sums: of each step,
  // and how many are real.
  PartLoss Loss(const BatchPart& part) const override {
    const std::vector<Tensor> taken =
        TakeInputs(part, device_, [this](const BatchPart& later) { return HostInputs(later); });
    const BcRnnGmmInputs inputs = MakeBcRnnGmmInputs(std::span(taken).subspan(kOwnInputs), shape_);
    const Tensor &action_BTA = taken[0], &real = taken[2];
    const Tensor real_BT = taken[1].ne(0);
    const int64_t A = shape_.action;

    ActionMixture mixture;
    {
      const AutocastScope autocast(device_.type(), part.bfloat16);
      mixture = net_(inputs);
    }
    const Tensor std_BTMA = at::softplus(mixture.scales_BTMA) + config_.min_std;
    const Tensor apart = (action_BTA - mixture.means_BTMA) / std_BTMA;
    const Tensor density_BTM = (apart.square() * -0.5 - std_BTMA.log()).sum(-1) -
                               0.5 * static_cast<double>(A) * std::log(2 * std::numbers::pi);
    const Tensor likelihood_BT =
        at::logsumexp(at::log_softmax(mixture.logits_BTM, -1) + density_BTM, -1);
    // padding may hold anything
    const Tensor loss_BT = at::where(real_BT, -likelihood_BT, at::zeros_like(likelihood_BT));

    PartLoss loss;
    loss.loss = loss_BT.sum() / real;
    loss.sums_N = at::cat({loss_BT.detach().sum(0), real_BT.to(at::kFloat).sum(0)});
    loss.answer = at::cat({mixture.means_BTMA.detach().flatten(2), std_BTMA.detach().flatten(2),
                           mixture.logits_BTM.detach()},
                          -1);
    return loss;
  }

 private:
  // What the loss takes of a part beside HostBcRnnGmmInputs, which stand behind it.
  static constexpr size_t kOwnInputs = 3;
  std::vector<Tensor> HostInputs(const BatchPart& part) const {
    const BatchColumn& action = part.batch[kActionColumn];
    const int64_t B = part.batch.size, T = config_.sequence, A = shape_.action;
    Require(static_cast<int64_t>(action.numbers.size()) == B * T * A &&
                static_cast<int64_t>(action.real_BT.size()) == B * T,
            "actions fit the layout");
    const auto real = part.whole.columns.at(kActionColumn).real;
    std::vector<Tensor> inputs{View(action.numbers, {B, T, 1, A}), View(action.real_BT, {B, T}),
                               at::scalar_tensor(std::max<int64_t>(1, real), at::kFloat)};
    const std::vector<Tensor> seen = HostBcRnnGmmInputs(part.batch, shape_, config_, Crops(part));
    inputs.insert(inputs.end(), seen.begin(), seen.end());
    return inputs;
  }

  // Drawn for every picture.
  CropDraw Crops(const BatchPart& part) const {
    return [this, &part](size_t sample, size_t step, size_t camera) {
      if (config_.crop == 0) return CropPlace{};
      Rng rng(RngKey{seed_}
                  .WithStage("train.crop")
                  .WithParent(part.batch.sample_B[sample])
                  .WithVariant(static_cast<uint64_t>(part.update))
                  .WithTerm(shape_.images[camera] + "." + std::to_string(step)));
      CropPlace place;
      place.x = static_cast<int>(rng.UniformInt(0, shape_.width - config_.crop));
      place.y = static_cast<int>(rng.UniformInt(0, shape_.height - config_.crop));
      return place;
    };
  }

  const BcRnnGmmShape shape_;
  const BcRnnGmmConfig config_;
  const uint64_t seed_;
  const at::Device device_;
  const BcRnnGmmNet net_;
};

// Mean losses of all steps, and by step of the sequence.
void ReportLikelihood(std::span<const double> sums, LossReport& report) {
  const size_t T = sums.size() / 2;
  double total = 0, real = 0;
  for (size_t t = 0; t < T; ++t) {
    report.by_step.push_back(sums[T + t] > 0 ? sums[t] / sums[T + t] : 0);
    total += sums[t];
    real += sums[T + t];
  }
  report.parts = {{"negative_log_likelihood", real > 0 ? total / real : 0}};
}

}  // namespace

std::unique_ptr<Learner> MakeBcRnnGmmLearner(const SampleLayout& layout, const Json& policy_config,
                                             const TrainerOptions& trainer) {
  Require(trainer.steps && trainer.seed, "steps and seed are known");
  const BcRnnGmmConfig config = ReadBcRnnGmmConfig(policy_config);
  const BcRnnGmmShape shape = BcRnnGmmShapeOf(layout, config);
  Require(layout.memory == config.sequence, "a layout of sequences");
  LearntPolicy policy;
  policy.make_net = [shape, config, seed = *trainer.seed](at::Device device,
                                                          const TakeParameter& take) {
    return std::make_unique<BcRnnGmmLoss>(shape, config, seed, device, take);
  };
  policy.sums = int64_t{2} * config.sequence;
  policy.report = ReportLikelihood;
  policy.fixed_shapes = true;
  policy.config = ToJson(config);
  return MakeLearner(std::move(policy), trainer);
}

PolicyNetwork BcRnnGmmNetwork() {
  return {"bc_rnn_gmm",
          [](const SampleLayout& layout, int, const Json& policy_config,
             const TrainerOptions& trainer) -> std::unique_ptr<UpdateEngine> {
            return MakeBcRnnGmmLearner(layout, policy_config, trainer);
          },
          MakeBcRnnGmmChunkModel};
}

}  // namespace understudy
