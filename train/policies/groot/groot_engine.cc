#include <fmt/format.h>

#include <chrono>
#include <cmath>

#include "core/base/error.h"
#include "core/base/ordered_pool.h"
#include "train/policies/groot/groot.h"
#include "train/policies/groot/groot_net.h"
#include "train/torch/optimizer.h"

namespace understudy {
namespace {

using Clock = std::chrono::steady_clock;

std::vector<ParameterSpec> ListWeights(const GrootConfig& config, const GrootShape& shape,
                                       int vocabulary, at::Device device) {
  std::vector<ParameterSpec> specs;
  const GrootNet listed(config, shape, vocabulary, device, [&](const ParameterSpec& spec) {
    specs.push_back(spec);
    return Tensor();
  });
  return specs;
}

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

class Engine : public GrootEngine {
 public:
  Engine(const GrootShape& shape, int vocabulary, const GrootConfig& config,
         const TrainerOptions& options)
      : shape_(shape),
        vocabulary_(vocabulary),
        config_(config),
        options_(options),
        device_(ResolveDevice(options.device)),
        threads_(ThreadCount(options.threads)),
        parameters_(ListWeights(config, shape, vocabulary, device_), *options.seed, device_),
        net_(config, shape, vocabulary, device_,
             [&](const ParameterSpec& spec) { return parameters_[spec.name]; }),
        optimizer_(options, parameters_),
        precision_(options.precision) {
    std::vector<float> weights;
    for (int a = 0; a < shape.action; ++a) {
      weights.push_back(
          GroupOf(a, shape.action) == kGripper ? static_cast<float>(config.gripper_weight) : 1.0f);
    }
    weight_A_ = at::tensor(weights, at::kFloat).to(device_);
    ClearLosses();
  }

  void Update(const Batch& batch) override {
    UpdateWith(batch, DrawFlow(batch, shape_, config_, *options_.seed, optimizer_.steps()));
  }

  void UpdateWith(const Batch& batch, const FlowDraws& draws) override {
    const ThreadScope threads(threads_);
    ChoosePrecision(batch, draws);
    const Losses losses = Backward(batch, draws, precision_ == Precision::kBfloat16);
    const Tensor norm = optimizer_.Step();

    // sums stay on the device until somebody asks
    const at::NoGradGuard no_grad;
    loss_sum_.add_(losses.loss.detach());
    if (losses.objects.defined()) objects_sum_.add_(losses.objects.detach());
    norm_sum_.add_(norm);
    error_sum_TA_.add_(losses.error_TA);
    count_sum_T_.add_(losses.count_T);
    ++summed_;
  }

  GrootPass Differentiate(const Batch& batch, const FlowDraws& draws) override {
    const ThreadScope threads(threads_);
    const Losses losses = Backward(batch, draws, options_.precision == Precision::kBfloat16);
    GrootPass pass;
    pass.loss = losses.loss.item<double>();
    const Tensor velocity = losses.velocity.detach().to(at::kCPU).contiguous();
    const float* data = velocity.data_ptr<float>();
    pass.velocity_BDTA.assign(data, data + velocity.numel());
    pass.gradients = parameters_.Split(parameters_.gradients(), "");
    return pass;
  }

  void SetWeights(const TensorMap& weights) override {
    Require(optimizer_.steps() == 0, "weights are set before the first update");
    const at::NoGradGuard no_grad;
    parameters_.values().copy_(parameters_.Join(weights, "", "weights"));
    optimizer_.RestartAverage();
  }

  LossReport TakeLosses() override {
    LossReport report;
    report.updates = summed_;
    report.learning_rate = LearningRate(options_, std::max<int64_t>(0, optimizer_.steps() - 1));
    if (summed_ == 0) return report;
    report.loss = loss_sum_.item<double>() / static_cast<double>(summed_);
    report.gradient_norm = norm_sum_.item<double>() / static_cast<double>(summed_);

    // mean squared errors by action group and by step of the chunk
    const Tensor error = error_sum_TA_.to(at::kCPU, at::kDouble).contiguous();
    const Tensor count = count_sum_T_.to(at::kCPU, at::kDouble).contiguous();
    const double* error_TA = error.data_ptr<double>();
    const double* count_T = count.data_ptr<double>();
    std::array<double, 3> group_error{}, group_count{};
    for (int t = 0; t < shape_.horizon; ++t) {
      double step_error = 0;
      for (int a = 0; a < shape_.action; ++a) {
        const double value = error_TA[t * shape_.action + a];
        const auto group = static_cast<size_t>(GroupOf(a, shape_.action));
        group_error[group] += value;
        group_count[group] += count_T[t];
        step_error += value;
      }
      report.by_step.push_back(count_T[t] > 0 ? step_error / (count_T[t] * shape_.action) : 0);
    }
    const auto mean = [&](Group group) {
      return group_count[group] > 0 ? group_error[group] / group_count[group] : 0.0;
    };
    report.parts = {{"position", mean(kPosition)},
                    {"rotation", mean(kRotation)},
                    {"gripper", mean(kGripper)},
                    {"objects", objects_sum_.item<double>() / static_cast<double>(summed_)}};
    ClearLosses();
    return report;
  }

  int64_t updates() const override { return optimizer_.steps(); }

  TensorMap ExportState() const override {
    TensorMap state;
    optimizer_.Export(state);
    state["precision"] = ToBlob(at::scalar_tensor(static_cast<int64_t>(precision_), at::kLong));
    return state;
  }

  void ImportState(const TensorMap& state) override {
    const at::NoGradGuard no_grad;
    const auto found = state.find("precision");
    if (found == state.end() || found->second.dtype != "I64" || !found->second.shape.empty()) {
      ThrowBadInput(
          "training state: 'precision' is missing or no I64 scalar; the file is not a "
          "training state of this program");
    }
    const int64_t code = ToTensor(found->second).item<int64_t>();
    const auto recorded = static_cast<Precision>(code);
    const bool known = code >= 0 && code <= static_cast<int64_t>(Precision::kBfloat16);
    if (!known || (options_.precision != Precision::kAuto && options_.precision != recorded)) {
      ThrowBadInput(
          fmt::format("training state: trained with precision '{}', the options say "
                      "'{}'; continue with the same precision",
                      known ? EnumNames<Precision>::kNames[static_cast<size_t>(code)] : "unknown",
                      EnumNames<Precision>::kNames[static_cast<size_t>(options_.precision)]));
    }
    optimizer_.Import(state);
    precision_ = recorded;
    ClearLosses();
  }

  TensorMap ExportPolicy() const override {
    TensorMap weights = parameters_.Split(optimizer_.acting(), "");
    std::erase_if(weights, [](const auto& entry) { return entry.first.starts_with(kObjectHead); });
    return weights;
  }
  Json PolicyConfig() const override { return ToJson(config_); }

  Json Describe() const override {
    Json parts = Json::object();
    for (const ParameterSpec& spec : parameters_.specs()) {
      int64_t size = 1;
      for (const int64_t n : spec.shape) size *= n;
      const std::string part = spec.name.substr(0, spec.name.find('.'));
      parts[part] = parts.value(part, int64_t{0}) + size;
    }
    Json json{{"parameters", parameters_.count()},
              {"parameters_by_part", parts},
              {"precision", EnumNames<Precision>::kNames[static_cast<size_t>(precision_)]},
              {"threads", threads_},
              {"device", device_.str()},
              {"libtorch", TORCH_VERSION}};
    if (float32_s_ > 0) json["probe"] = {{"float32_s", float32_s_}, {"bfloat16_s", bfloat16_s_}};
    return json;
  }

 private:
  struct Losses {
    Tensor loss, velocity, objects, error_TA, count_T;
  };

  // Loss and gradients of flow matching (Lipman et al. 2023): at (1-t) noise + t action the network
  // learns the velocity action - noise.
  Losses Backward(const Batch& batch, const FlowDraws& draws, bool bfloat16) {
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
        MakeGrootInputs(batch, shape_, config_, vocabulary_, device_, bfloat16);
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

    parameters_.gradients().zero_();
    Losses losses;
    GrootContext context;
    {
      const AutocastScope autocast(device_.type(), bfloat16);
      context = net_.Encode(inputs, keep);
      losses.velocity = net_.Velocity(context, noisy, bucket_BD, real_BT);
    }
    const Tensor mask = real_BT.to(at::kFloat).view({B, 1, T, 1});
    const Tensor error = (losses.velocity - (action - noise)).square() * mask;
    losses.loss =
        (error * weight_A_).sum() / (mask.sum() * static_cast<double>(D) * weight_A_.sum() + 1e-6);
    if (context.objects_BO.defined()) {
      losses.objects = ObjectLoss(context.objects_BO, batch);
      losses.loss = losses.loss + losses.objects * config_.object_weight;
    }
    losses.loss.backward();
    losses.error_TA = error.detach().sum(at::IntArrayRef({0, 1}));
    losses.count_T = mask.sum(at::IntArrayRef({0, 1, 3})) * static_cast<double>(D);
    return losses;
  }

  // Mean smooth absolute error over the labels that are known.
  Tensor ObjectLoss(const Tensor& objects_BO, const Batch& batch) const {
    const std::vector<float>& labels_BO = batch[kObjectsColumn].numbers;
    Require(labels_BO.size() == static_cast<size_t>(objects_BO.numel()),
            "object labels fit the layout");
    const Tensor label = View(labels_BO, objects_BO.sizes()).to(device_);
    const Tensor known = label.isnan().logical_not();
    const Tensor error =
        at::smooth_l1_loss(objects_BO, label.nan_to_num(0), at::Reduction::None, kObjectKnee);
    return (error * known).sum() / known.sum().clamp_min(1);
  }

  // Times both precisions on the first batch without learning from it, so that a run depends on
  // the choice alone; the choice is part of the training state.
  void ChoosePrecision(const Batch& batch, const FlowDraws& draws) {
    if (precision_ != Precision::kAuto) return;
    float32_s_ = bfloat16_s_ = 1e9;
    for (int i = 0; i < 4; ++i) {
      for (const bool bfloat16 : {false, true}) {
        const auto start = Clock::now();
        Backward(batch, draws, bfloat16).loss.item<float>();
        const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
        double& best = bfloat16 ? bfloat16_s_ : float32_s_;
        if (i > 0) best = std::min(best, seconds);  // the first pass of each warms caches
      }
    }
    precision_ = bfloat16_s_ < float32_s_ ? Precision::kBfloat16 : Precision::kFloat32;
  }

  void ClearLosses() {
    const auto options = at::TensorOptions().dtype(at::kFloat).device(device_);
    loss_sum_ = at::zeros({}, options);
    norm_sum_ = at::zeros({}, options);
    objects_sum_ = at::zeros({}, options);
    error_sum_TA_ = at::zeros({shape_.horizon, shape_.action}, options);
    count_sum_T_ = at::zeros({shape_.horizon}, options);
    summed_ = 0;
  }

  const GrootShape shape_;
  const int vocabulary_;
  const GrootConfig config_;
  const TrainerOptions options_;
  const at::Device device_;
  const int threads_;
  FlatParameters parameters_;
  GrootNet net_;
  Optimizer optimizer_;
  Precision precision_;
  double float32_s_ = 0, bfloat16_s_ = 0;
  Tensor weight_A_;
  Tensor loss_sum_, norm_sum_, objects_sum_, error_sum_TA_, count_sum_T_;
  int64_t summed_ = 0;
};

}  // namespace

std::unique_ptr<GrootEngine> MakeGrootEngine(const SampleLayout& layout, int vocabulary,
                                             const Json& policy_config,
                                             const TrainerOptions& trainer) {
  Require(vocabulary >= 2, "a vocabulary holds padding and unknown");
  Require(trainer.steps && trainer.seed, "steps and seed are known");
  const ThreadScope threads(trainer.threads);
  return std::make_unique<Engine>(GrootShapeOf(layout), vocabulary, ReadGrootConfig(policy_config),
                                  trainer);
}

PolicyNetwork GrootNetwork() {
  return {"groot",
          [](const SampleLayout& layout, int vocabulary, const Json& policy_config,
             const TrainerOptions& trainer) -> std::unique_ptr<UpdateEngine> {
            return MakeGrootEngine(layout, vocabulary, policy_config, trainer);
          },
          [](const SampleLayout& layout, const Json& config,
             const TensorMap& weights) -> std::unique_ptr<ChunkModel> {
            return MakeGrootChunkModel(layout, config, weights);
          }};
}

}  // namespace understudy
