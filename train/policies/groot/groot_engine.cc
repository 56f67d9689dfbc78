#include <fmt/format.h>

#include <array>

#include "core/base/error.h"
#include "train/policies/groot/groot.h"
#include "train/policies/groot/groot_net.h"
#include "train/torch/loss_net.h"

namespace understudy {
namespace {

// Where squares go over into absolute values, in deviations: about 5 mm of a place drawn within
// 16 cm.
constexpr double kObjectKnee = 0.1;

// Arms repeat [position 3, rotation 3, gripper 1]; other action lengths are all position.
enum Group { kPosition, kRotation, kGripper };
Group GroupOf(int dimension, int action) {
  if (action % 7 != 0) return kPosition;
  const int place = dimension % 7;
  return place < 3 ? kPosition : place < 6 ? kRotation : kGripper;
}

class GrootLoss : public LossNet {
 public:
  GrootLoss(const GrootShape& shape, int vocabulary, const GrootConfig& config, DrawSource draw,
            at::Device device, const TakeParameter& take)
      : shape_(shape),
        vocabulary_(vocabulary),
        config_(config),
        draw_(std::move(draw)),
        device_(device),
        net_(config, shape, vocabulary, device, take) {
    std::vector<float> weights;
    for (int a = 0; a < shape.action; ++a) {
      weights.push_back(
          GroupOf(a, shape.action) == kGripper ? static_cast<float>(config.gripper_weight) : 1.0f);
      weight_sum_ += weights.back();
    }
    weight_A_ = at::tensor(weights, at::kFloat).to(device_);
  }

  // Flow matching (Lipman et al. 2023): at (1-t) noise + t action the network learns the velocity
  // action - noise. Sums: squared errors T A, real steps T, the loss of the objects.
  PartLoss Loss(const BatchPart& part) const override {
    const Batch& batch = part.batch;
    const FlowDraws draws = draw_(batch, part.update);
    const int64_t B = batch.size, D = draws.draws, T = shape_.horizon, A = shape_.action;
    Require(static_cast<int64_t>(draws.noise_BDTA.size()) == B * D * T * A &&
                static_cast<int64_t>(draws.time_BD.size()) == B * D,
            "draws fit the batch");
    const std::vector<float>& actions_BTA = batch[kActionColumn].numbers;
    const std::vector<uint8_t>& mask_BT = batch[kActionColumn].real_BT;
    Require(static_cast<int64_t>(actions_BTA.size()) == B * T * A &&
                static_cast<int64_t>(mask_BT.size()) == B * T,
            "actions fit the layout");
    const GrootInputs inputs =
        MakeGrootInputs(batch, shape_, config_, vocabulary_, device_, part.bfloat16);
    const Tensor action = View(actions_BTA, {B, 1, T, A}).to(device_);
    const Tensor real_BT = View(mask_BT, {B, T}).to(device_).ne(0);
    const Tensor noise = View(draws.noise_BDTA, {B, D, T, A}).to(device_);
    const Tensor time = View(draws.time_BD, {B, D, 1, 1}).to(device_);
    const Tensor noisy = noise * (1 - time) + action * time;
    Tensor keep;
    if (!draws.hide_state_B.empty()) {
      keep = 1 - View(draws.hide_state_B, {B, 1}).to(device_, at::kFloat);
    }

    // the network sees whole buckets of time, counted in main memory
    std::vector<int64_t> buckets;
    for (const float t : draws.time_BD) {
      const auto bucket = static_cast<int64_t>(config_.time_buckets * static_cast<double>(t));
      buckets.push_back(std::clamp<int64_t>(bucket, 0, config_.time_buckets - 1));
    }
    const Tensor bucket_BD = at::tensor(buckets, at::kLong).view({B, D}).to(device_);

    PartLoss loss;
    GrootContext context;
    {
      const AutocastScope autocast(device_.type(), part.bfloat16);
      context = net_.Encode(inputs, keep);
      loss.answer = net_.Velocity(context, noisy, bucket_BD, real_BT);
    }
    const Tensor mask = real_BT.to(at::kFloat).view({B, 1, T, 1});
    const Tensor error = (loss.answer - (action - noise)).square() * mask;
    const auto real = static_cast<double>(part.whole.columns.at(kActionColumn).real);
    loss.loss = (error * weight_A_).sum() / (real * static_cast<double>(D) * weight_sum_ + 1e-6);
    Tensor objects = at::zeros({1}, weight_A_.options());
    if (context.objects_BO.defined()) {
      objects = ObjectLoss(context.objects_BO, part).view({1});
      loss.loss = loss.loss + objects.select(0, 0) * config_.object_weight;
    }
    loss.sums_N =
        at::cat({error.detach().sum(at::IntArrayRef({0, 1})).flatten(),
                 mask.sum(at::IntArrayRef({0, 1, 3})) * static_cast<double>(D), objects.detach()});
    return loss;
  }

 private:
  // Mean smooth absolute error over the labels that are known.
  Tensor ObjectLoss(const Tensor& objects_BO, const BatchPart& part) const {
    const std::vector<float>& labels_BO = part.batch[kObjectsColumn].numbers;
    Require(labels_BO.size() == static_cast<size_t>(objects_BO.numel()),
            "object labels fit the layout");
    const Tensor label = View(labels_BO, objects_BO.sizes()).to(device_);
    const Tensor known = label.isnan().logical_not();
    const Tensor error =
        at::smooth_l1_loss(objects_BO, label.nan_to_num(0), at::Reduction::None, kObjectKnee);
    const int64_t count = part.whole.columns.at(kObjectsColumn).known;
    return (error * known).sum() / static_cast<double>(std::max<int64_t>(1, count));
  }

  const GrootShape shape_;
  const int vocabulary_;
  const GrootConfig config_;
  const DrawSource draw_;
  const at::Device device_;
  const GrootNet net_;
  Tensor weight_A_;
  double weight_sum_ = 0;
};

// Mean squared errors by action group and by step of the chunk.
void Report(const GrootShape& shape, std::span<const double> sums, LossReport& report) {
  const auto T = static_cast<size_t>(shape.horizon), A = static_cast<size_t>(shape.action);
  const std::span<const double> error_TA = sums.first(T * A), count_T = sums.subspan(T * A, T);
  std::array<double, 3> group_error{}, group_count{};
  for (size_t t = 0; t < T; ++t) {
    double step_error = 0;
    for (size_t a = 0; a < A; ++a) {
      const double value = error_TA[t * A + a];
      const auto group = static_cast<size_t>(GroupOf(static_cast<int>(a), shape.action));
      group_error[group] += value;
      group_count[group] += count_T[t];
      step_error += value;
    }
    report.by_step.push_back(count_T[t] > 0 ? step_error / (count_T[t] * static_cast<double>(A))
                                            : 0);
  }
  const auto mean = [&](Group group) {
    return group_count[group] > 0 ? group_error[group] / group_count[group] : 0.0;
  };
  report.parts = {{"position", mean(kPosition)},
                  {"rotation", mean(kRotation)},
                  {"gripper", mean(kGripper)},
                  {"objects", sums.back() / static_cast<double>(report.updates)}};
}

}  // namespace

std::unique_ptr<Learner> MakeGrootLearner(const SampleLayout& layout, int vocabulary,
                                          const Json& policy_config, const TrainerOptions& trainer,
                                          DrawSource draw) {
  Require(vocabulary >= 2, "a vocabulary holds padding and unknown");
  Require(trainer.steps && trainer.seed, "steps and seed are known");
  const GrootShape shape = GrootShapeOf(layout);
  const GrootConfig config = ReadGrootConfig(policy_config);
  if (!draw) {
    draw = [shape, config, seed = *trainer.seed](const Batch& batch, int64_t update) {
      return DrawFlow(batch, shape, config, seed, update);
    };
  }
  LearntPolicy policy;
  policy.make_net = [shape, vocabulary, config, draw](at::Device device,
                                                      const TakeParameter& take) {
    return std::make_unique<GrootLoss>(shape, vocabulary, config, draw, device, take);
  };
  policy.sums = int64_t{shape.horizon} * shape.action + shape.horizon + 1;
  policy.report = [shape](std::span<const double> sums, LossReport& report) {
    Report(shape, sums, report);
  };
  policy.config = ToJson(config);
  policy.training_only = kObjectHead;
  return MakeLearner(std::move(policy), trainer);
}

PolicyNetwork GrootNetwork() {
  return {"groot",
          [](const SampleLayout& layout, int vocabulary, const Json& policy_config,
             const TrainerOptions& trainer) -> std::unique_ptr<UpdateEngine> {
            return MakeGrootLearner(layout, vocabulary, policy_config, trainer);
          },
          [](const SampleLayout& layout, const Json& config,
             const TensorMap& weights) -> std::unique_ptr<ChunkModel> {
            return MakeGrootChunkModel(layout, config, weights);
          }};
}

}  // namespace understudy
