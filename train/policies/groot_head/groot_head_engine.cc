#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"
#include "train/policies/groot_head/groot_head.h"
#include "train/policies/groot_head/groot_head_net.h"
#include "train/policies/groot_head/release_config.h"
#include "train/torch/loss_net.h"
#include "train/torch/optimizer.h"

namespace understudy {
namespace {

// Which blocks learn at all: nothing is hidden in those that stay as they are.
struct Learning {
  bool features = false, blocks = false;
};

class HeadLoss : public LossNet {
 public:
  HeadLoss(const GrootHeadShape& shape, const GrootHeadConfig& config, Learning learning,
           GrootHeadDrawSource draw, DropoutDraw keep, at::Device device, const TakeParameter& take)
      : shape_(shape),
        config_(config),
        learning_(learning),
        draw_(std::move(draw)),
        keep_(std::move(keep)),
        device_(device),
        net_(config, device, take) {}

  // Flow matching (Lipman et al. 2023): at (1-t) noise + t action the network learns the velocity
  // action - noise, of the numbers and steps that are there; the noise of padding is seen, as
  // upstream has it. Sums: squared errors T, real steps T.
  PartLoss Loss(const BatchPart& part) const override {
    const std::vector<Tensor> taken =
        TakeInputs(part, device_, [this](const BatchPart& later) { return HostInputs(later); });
    const GrootHeadInputs inputs = MakeGrootHeadInputs(std::span(taken).subspan(kOwnInputs));
    const Tensor &action = taken[0], &noise = taken[2], &time = taken[3], &bucket_B = taken[4];
    const int64_t T = shape_.horizon, A = shape_.action;
    const Tensor mask_BT1 = taken[1].ne(0).to(at::kFloat).unsqueeze(2);
    Tensor keep, state_noise;
    if (part.learns && taken[5].defined()) keep = 1 - taken[5].to(at::kFloat);
    if (part.learns && taken[6].defined()) state_noise = taken[6];

    PartLoss loss;
    {
      const AutocastScope autocast(device_.type(), part.bfloat16);
      Dropout dropout(config_.dropout, keep_, part), none;
      const GrootHeadContext context =
          net_.Encode(inputs, keep, state_noise, learning_.features ? dropout : none);
      const Tensor noisy = noise * (1 - time) + action * time;
      loss.answer = net_.Velocity(context, noisy, bucket_B, learning_.blocks ? dropout : none);
    }
    const Tensor error =
        (loss.answer - (action - noise)).narrow(1, 0, T).narrow(2, 0, A).square() * mask_BT1;
    loss.loss = error.sum() / taken[7];
    loss.sums_N = at::cat(
        {error.detach().sum(at::IntArrayRef({0, 2})), mask_BT1.sum(at::IntArrayRef({0, 2}))});
    return loss;
  }

 private:
  // What the loss takes of a part beside HostGrootHeadInputs, which stand behind it.
  static constexpr size_t kOwnInputs = 8;
  std::vector<Tensor> HostInputs(const BatchPart& part) const {
    const Batch& batch = part.batch;
    const int64_t B = batch.size, T = shape_.horizon, A = shape_.action, H = config_.max_horizon,
                  M = config_.max_action;
    GrootHeadDraws draws = draw_(batch, part.update);
    const std::vector<float>& actions_BTA = batch[kActionColumn].numbers;
    const std::vector<uint8_t>& mask_BT = batch[kActionColumn].real_BT;
    Require(static_cast<int64_t>(draws.noise_BHA.size()) == B * H * M &&
                static_cast<int64_t>(draws.time_B.size()) == B,
            "draws fit the batch");
    Require(static_cast<int64_t>(actions_BTA.size()) == B * T * A &&
                static_cast<int64_t>(mask_BT.size()) == B * T,
            "actions fit the layout");
    const Tensor padded = at::constant_pad_nd(View(actions_BTA, {B, T, A}), {0, M - A, 0, H - T});
    std::vector<int64_t> buckets;
    for (const float t : draws.time_B) {
      const auto bucket = static_cast<int64_t>(static_cast<float>(config_.time_buckets) * t);
      buckets.push_back(std::clamp<int64_t>(bucket, 0, config_.time_buckets - 1));
    }
    Tensor hide, state_noise;
    if (!draws.hide_state_B.empty()) hide = Own(std::move(draws.hide_state_B), {B, 1, 1});
    if (!draws.state_noise_Bd.empty()) {
      state_noise = Own(std::move(draws.state_noise_Bd), {B, 1, config_.width});
    }
    // numbers that count in the whole batch
    const auto real = static_cast<double>(part.whole.columns.at(kActionColumn).real);
    const double whole = std::max(real, 1.0) * static_cast<double>(A) +
                         (config_.version == GrootRelease::kN15 ? 0 : 1e-6);
    std::vector<Tensor> inputs{padded,
                               View(mask_BT, {B, T}),
                               Own(std::move(draws.noise_BHA), {B, H, M}),
                               Own(std::move(draws.time_B), {B, 1, 1}),
                               Own(std::move(buckets), {B}),
                               hide,
                               state_noise,
                               at::scalar_tensor(whole, at::kFloat)};
    Require(inputs.size() == kOwnInputs, "inputs in their places");
    const std::vector<Tensor> seen = HostGrootHeadInputs(batch, shape_, config_);
    inputs.insert(inputs.end(), seen.begin(), seen.end());
    return inputs;
  }

  const GrootHeadShape shape_;
  const GrootHeadConfig config_;
  const Learning learning_;
  const GrootHeadDrawSource draw_;
  const DropoutDraw keep_;
  const at::Device device_;
  const GrootHeadNet net_;
};

// Names of all weights.
std::vector<std::string> NamesOfWeights(const GrootHeadConfig& config) {
  std::vector<std::string> names;
  GrootHeadNet(config, at::kCPU, [&](const ParameterSpec& spec) {
    names.push_back(spec.name);
    return Tensor();
  });
  return names;
}

}  // namespace

std::unique_ptr<Learner> MakeGrootHeadLearner(const SampleLayout& layout, const Json& policy_config,
                                              const TrainerOptions& trainer,
                                              GrootHeadDrawSource draw) {
  Require(trainer.steps && trainer.seed, "steps and seed are known");
  const GrootHeadConfig config = ReadGrootHeadConfig(policy_config);
  const GrootHeadShape shape = GrootHeadShapeOf(layout, config);
  if (!draw) {
    draw = [config, seed = *trainer.seed](const Batch& batch, int64_t update) {
      return DrawGrootHead(batch, config, seed, update);
    };
  }
  const std::vector<std::string> names = NamesOfWeights(config);
  std::shared_ptr<const ReleasedHead> released;
  if (!config.release.empty()) {
    released = std::make_shared<const ReleasedHead>(config);
    released->RequireNames(names);
  }
  Learning learning;
  for (const std::string& name : names) {
    const bool learns = RateOf(trainer, name) > 0;
    if (name.starts_with("vl_self_attention.")) learning.features |= learns;
    if (name.starts_with("model.")) learning.blocks |= learns;
  }
  LearntPolicy policy;
  policy.make_net = [shape, config, learning, draw, released,
                     keep = DrawDropout(config.dropout, *trainer.seed)](at::Device device,
                                                                        const TakeParameter& take) {
    // one tensor after the other: a head has gigabytes
    const TakeParameter started = [&](const ParameterSpec& spec) {
      if (released == nullptr) return take(spec);
      ParameterSpec with = spec;
      with.values = [released, name = spec.name, shape = spec.shape] {
        return released->Read(name, shape);
      };
      return take(with);
    };
    return std::make_unique<HeadLoss>(shape, config, learning, draw, keep, device, started);
  };
  policy.sums = 2 * int64_t{shape.horizon};
  policy.report = [shape](std::span<const double> sums, LossReport& report) {
    const auto T = static_cast<size_t>(shape.horizon);
    double error = 0, count = 0;
    for (size_t t = 0; t < T; ++t) {
      const double numbers = sums[T + t] * shape.action;
      report.by_step.push_back(numbers > 0 ? sums[t] / numbers : 0);
      error += sums[t];
      count += numbers;
    }
    report.parts = {{"velocity", count > 0 ? error / count : 0}};
  };
  policy.config = ToJson(config);
  policy.fixed_shapes = true;
  return MakeLearner(std::move(policy), trainer);
}

PolicyNetwork GrootHeadNetwork() {
  return {"groot_head",
          [](const SampleLayout& layout, int, const Json& policy_config,
             const TrainerOptions& trainer) -> std::unique_ptr<UpdateEngine> {
            return MakeGrootHeadLearner(layout, policy_config, trainer);
          },
          [](const SampleLayout& layout, const Json& config,
             const TensorMap& weights) -> std::unique_ptr<ChunkModel> {
            return MakeGrootHeadChunkModel(layout, config, weights);
          }};
}

}  // namespace understudy
