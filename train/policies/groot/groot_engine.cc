#include <fmt/format.h>

#include <array>

#include "core/base/error.h"
#include "train/policies/groot/groot.h"
#include "train/policies/groot/groot_net.h"
#include "train/torch/first_values.h"
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
    // none of what an embodiment has not
    std::vector<float> weights;
    for (size_t slot = 0; slot < static_cast<size_t>(config.embodiments); ++slot) {
      const int own = shape.ActionOf(slot);
      weight_sum_S_.push_back(0);
      for (int a = 0; a < shape.action; ++a) {
        const bool gripper = GroupOf(a, own) == kGripper;
        weights.push_back(a >= own ? 0 : gripper ? static_cast<float>(config.gripper_weight) : 1);
        weight_sum_S_.back() += weights.back();
        padded_ = padded_ || a >= own;
      }
    }
    weight_SA_ = at::tensor(weights, at::kFloat).view({-1, shape.action}).to(device_);
    std::vector<int64_t> own;
    for (size_t slot = 0; slot < weight_sum_S_.size(); ++slot) own.push_back(shape.ActionOf(slot));
    own_S_ = at::tensor(own, at::kLong).to(device_);
  }

  // Flow matching (Lipman et al. 2023): at (1-t) noise + t action the network learns the velocity
  // action - noise. Sums: squared errors S T A, real steps S T, the loss of the objects.
  PartLoss Loss(const BatchPart& part) const override {
    // which activations are kept is drawn with the rest, and called behind it
    const auto keeps = std::make_shared<DropoutDraw>();
    const std::vector<Tensor> taken =
        TakeInputs(part, device_, [this, keeps](const BatchPart& later) {
          FlowDraws draws = draw_(later.batch, later.update);
          *keeps = draws.keep;
          return HostInputs(later, std::move(draws));
        });
    const GrootInputs inputs = MakeGrootInputs(std::span(taken).subspan(kOwnInputs), part.batch,
                                               shape_, config_, device_, part.bfloat16);
    const Tensor &action = taken[0], &noise = taken[2], &time = taken[3], &bucket_BD = taken[4];
    const Tensor &slots = taken[7], &whole = taken[8];
    const Tensor real_BT = taken[1].ne(0);
    const int64_t B = noise.size(0), D = noise.size(1), T = shape_.horizon, A = shape_.action;
    Tensor noisy = noise * (1 - time) + action * time, given_BDT;
    if (const Tensor& given = taken[5]; given.defined()) {
      given_BDT = at::arange(T, given.options()).lt(given);
      noisy = at::where(given_BDT.unsqueeze(3), action, noisy);
    }
    Tensor keep;
    if (const Tensor& hide = taken[6]; part.learns && hide.defined()) {
      keep = 1 - hide.to(at::kFloat);
    }

    PartLoss loss;
    GrootContext context;
    {
      const AutocastScope autocast(device_.type(), part.bfloat16);
      context = net_.Encode(inputs, keep);
      const DropoutDraw drawn = [keeps](uint64_t sample, int64_t update, int place,
                                        std::span<uint8_t> kept) {
        (*keeps)(sample, update, place, kept);
      };
      Dropout dropout(config_.dropout, drawn, part);
      loss.answer = net_.Velocity(context, noisy, bucket_BD, real_BT, given_BDT, dropout);
    }
    // of a chunk with given actions the others count for all, so that each chunk weighs the same
    Tensor mask = real_BT.to(at::kFloat).view({B, 1, T, 1}).expand({B, D, T, 1}), share;
    if (given_BDT.defined()) {
      const Tensor learnt = mask.masked_fill(given_BDT.unsqueeze(3), 0);
      share = mask.sum(2, true) / learnt.sum(2, true).clamp_min(1);
      mask = learnt;
    }
    const Tensor weight = weight_SA_.index_select(0, slots).view({B, 1, 1, A});
    Tensor target = action - noise;
    if (padded_) target = target.masked_fill(OwnNumbers(slots).logical_not(), 0);
    const Tensor error = (loss.answer - target).square() * mask;
    const Tensor weighed = share.defined() ? error * share : error;
    loss.loss = (weighed * weight).sum() / whole;
    Tensor objects = at::zeros({1}, weight_SA_.options());
    if (context.objects_BO.defined()) {
      objects = ObjectLoss(context.objects_BO, part).view({1});
      loss.loss = loss.loss + objects.select(0, 0) * config_.object_weight;
    }
    const auto by_slot = [&](const Tensor& of_samples) {
      if (config_.embodiments == 1) return of_samples.sum(0).flatten();
      std::vector<int64_t> shape = of_samples.sizes().vec();
      shape[0] = config_.embodiments;
      return at::zeros(shape, of_samples.options()).index_add(0, slots, of_samples).flatten();
    };
    loss.sums_N = at::cat(
        {by_slot(error.detach().sum(1)), by_slot(mask.sum(1).view({B, T})), objects.detach()});
    return loss;
  }

 private:
  // What the loss takes of a part beside HostGrootInputs, which stand behind it.
  static constexpr size_t kOwnInputs = 9;
  std::vector<Tensor> HostInputs(const BatchPart& part, FlowDraws draws) const {
    const Batch& batch = part.batch;
    const int64_t B = batch.size, D = draws.draws, T = shape_.horizon, A = shape_.action;
    Require(static_cast<int64_t>(draws.noise_BDTA.size()) == B * D * T * A &&
                static_cast<int64_t>(draws.time_BD.size()) == B * D,
            "draws fit the batch");
    const std::vector<float>& actions_BTA = batch[kActionColumn].numbers;
    const std::vector<uint8_t>& mask_BT = batch[kActionColumn].real_BT;
    Require(static_cast<int64_t>(actions_BTA.size()) == B * T * A &&
                static_cast<int64_t>(mask_BT.size()) == B * T,
            "actions fit the layout");
    // the network sees whole buckets of time
    std::vector<int64_t> buckets;
    for (const float t : draws.time_BD) {
      const auto bucket = static_cast<int64_t>(config_.time_buckets * static_cast<double>(t));
      buckets.push_back(std::clamp<int64_t>(bucket, 0, config_.time_buckets - 1));
    }
    Tensor given, hide;
    if (!draws.given_BD.empty()) {
      Require(static_cast<int64_t>(draws.given_BD.size()) == B * D, "draws fit the batch");
      given = Own(std::vector<int64_t>(draws.given_BD.begin(), draws.given_BD.end()), {B, D, 1});
    }
    if (!draws.hide_state_B.empty()) hide = Own(std::move(draws.hide_state_B), {B, 1});
    // numbers that count in the whole batch, by weight
    double whole = 0;
    const std::vector<int64_t>& real_S = part.whole.columns.at(kActionColumn).real_by_embodiment;
    for (size_t slot = 0; slot < std::min(real_S.size(), weight_sum_S_.size()); ++slot) {
      whole += static_cast<double>(real_S[slot]) * static_cast<double>(D) * weight_sum_S_[slot];
    }
    std::vector<Tensor> inputs{
        View(actions_BTA, {B, 1, T, A}),
        View(mask_BT, {B, T}),
        Own(std::move(draws.noise_BDTA), {B, D, T, A}),
        Own(std::move(draws.time_BD), {B, D, 1, 1}),
        Own(std::move(buckets), {B, D}),
        given,
        hide,
        Own(std::vector<int64_t>(batch.embodiment_B.begin(), batch.embodiment_B.end()), {B}),
        at::scalar_tensor(whole + 1e-6, at::kFloat)};
    Require(inputs.size() == kOwnInputs, "inputs in their places");
    const std::vector<Tensor> seen = HostGrootInputs(batch, shape_, vocabulary_);
    inputs.insert(inputs.end(), seen.begin(), seen.end());
    return inputs;
  }

  // Which numbers of an action are no padding, B 1 1 A.
  Tensor OwnNumbers(const Tensor& slots) const {
    const Tensor own_B = own_S_.index_select(0, slots);
    const Tensor place_A = at::arange(shape_.action, own_B.options());
    return place_A.lt(own_B.unsqueeze(1)).view({-1, 1, 1, shape_.action});
  }

  // Mean smooth absolute error over the labels that are known.
  Tensor ObjectLoss(const Tensor& objects_BO, const BatchPart& part) const {
    const auto make = [shape = objects_BO.sizes().vec()](const BatchPart& later) {
      const std::vector<float>& labels_BO = later.batch[kObjectsColumn].numbers;
      Require(static_cast<int64_t>(labels_BO.size()) == c10::multiply_integers(shape),
              "object labels fit the layout");
      const auto count = std::max<int64_t>(1, later.whole.columns.at(kObjectsColumn).known);
      return std::vector<Tensor>{View(labels_BO, shape), at::scalar_tensor(count, at::kFloat)};
    };
    const std::vector<Tensor> taken = TakeInputs(part, device_, make);
    const Tensor& label = taken[0];
    const Tensor known = label.isnan().logical_not();
    const Tensor error =
        at::smooth_l1_loss(objects_BO, label.nan_to_num(0), at::Reduction::None, kObjectKnee);
    return (error * known).sum() / taken[1];
  }

  const GrootShape shape_;
  const int vocabulary_;
  const GrootConfig config_;
  const DrawSource draw_;
  const at::Device device_;
  const GrootNet net_;
  Tensor weight_SA_, own_S_;
  std::vector<double> weight_sum_S_;
  bool padded_ = false;
};

// Mean squared errors by action group, by step of the chunk and, of several, by embodiment.
void Report(const GrootShape& shape, int slots, std::span<const double> sums, LossReport& report) {
  const auto S = static_cast<size_t>(slots), T = static_cast<size_t>(shape.horizon),
             A = static_cast<size_t>(shape.action);
  struct Mean {
    double error = 0, count = 0;
    double operator()() const { return count > 0 ? error / count : 0; }
  };
  std::array<Mean, 3> of_group;
  std::vector<Mean> of_step(T), of_slot(S);
  for (size_t s = 0; s < S; ++s) {
    const int own = shape.ActionOf(s);
    for (size_t t = 0; t < T; ++t) {
      const double count = sums[S * T * A + s * T + t];
      for (int a = 0; a < own; ++a) {
        const double error = sums[(s * T + t) * A + static_cast<size_t>(a)];
        for (Mean* mean :
             {&of_group[static_cast<size_t>(GroupOf(a, own))], &of_step[t], &of_slot[s]}) {
          mean->error += error;
          mean->count += count;
        }
      }
    }
  }
  for (const Mean& mean : of_step) report.by_step.push_back(mean());
  report.parts = {{"position", of_group[kPosition]()},
                  {"rotation", of_group[kRotation]()},
                  {"gripper", of_group[kGripper]()},
                  {"objects", sums.back() / static_cast<double>(report.updates)}};
  for (size_t s = 0; S > 1 && s < S; ++s) {
    report.parts.emplace_back(fmt::format("embodiment{}", s), of_slot[s]());
  }
}

// What the encoders of pictures begin with, by the names of our weights: all with the same file.
FirstValues ReadEncoders(const GrootShape& shape, const GrootConfig& config, int vocabulary) {
  FirstValues first;
  if (config.encoder_weights.empty()) return first;
  std::vector<ParameterSpec> weights;
  GrootNet(config, shape, vocabulary, at::kCPU, [&](const ParameterSpec& spec) {
    weights.push_back(spec);
    return Tensor();
  });
  const bool vit = config.trunk() == GrootEncoder::kVit;
  for (size_t camera = 0; camera < (config.shared_encoder ? 1 : shape.images.size()); ++camera) {
    const std::string prefix = fmt::format("image.{}.{}.", camera, vit ? kVit : kResnet);
    const auto [height, width] = SeenSize(shape, config, camera);
    const FitTensor resample = [&, rows = height / config.vit_patch,
                                columns = width / config.vit_patch](const ParameterSpec& wanted,
                                                                    const TensorBlob& found) {
      const bool positions = vit && wanted.name == prefix + "pos_embed";
      return positions ? ResamplePositions(found, rows, columns) : TensorBlob();
    };
    const FirstValues of_camera = ReadFirstValues(
        "encoder_weights", config.encoder_weights,
        vit ? "a vision transformer with timm's names" : "a ResNet-18 with torchvision's names",
        prefix, weights, resample);
    for (const auto& [name, values] : of_camera) first[prefix + name] = values;
  }
  return first;
}

}  // namespace

std::unique_ptr<Learner> MakeGrootLearner(const SampleLayout& layout, int vocabulary,
                                          const Json& policy_config, const TrainerOptions& trainer,
                                          DrawSource draw) {
  Require(vocabulary >= 2, "a vocabulary holds padding and unknown");
  Require(trainer.steps && trainer.seed, "steps and seed are known");
  const GrootConfig config = ReadGrootConfig(policy_config);
  const GrootShape shape = GrootShapeOf(layout, config);
  if (!draw) {
    const auto keep = DrawDropout(config.dropout, *trainer.seed);
    draw = [shape, config, seed = *trainer.seed, keep](const Batch& batch, int64_t update) {
      FlowDraws draws = DrawFlow(batch, shape, config, seed, update);
      draws.keep = keep;
      return draws;
    };
  }
  LearntPolicy policy;
  policy.make_net = [shape, vocabulary, config, draw,
                     first = ReadEncoders(shape, config, vocabulary)](at::Device device,
                                                                      const TakeParameter& take) {
    const TakeParameter started = [&](const ParameterSpec& spec) {
      const auto found = first.find(spec.name);
      if (found == first.end()) return take(spec);
      ParameterSpec with = spec;
      with.values = [first = found->second] { return *first; };
      return take(with);
    };
    return std::make_unique<GrootLoss>(shape, vocabulary, config, draw, device, started);
  };
  policy.sums = int64_t{config.embodiments} * shape.horizon * (shape.action + 1) + 1;
  policy.report = [shape, slots = config.embodiments](std::span<const double> sums,
                                                      LossReport& report) {
    Report(shape, slots, sums, report);
  };
  policy.config = ToJson(config);
  policy.fixed_shapes = config.embodiments == 1;
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
