#include "train/torch/optimizer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>
#include <set>

#include "core/base/error.h"
#include "core/base/glob.h"

namespace understudy {
namespace {

constexpr int64_t kAlignment = 16;  // floats: a cache line

void Fill(Tensor target, const ParameterSpec& spec, uint64_t seed) {
  float* values = target.data_ptr<float>();
  if (spec.values) {
    const std::vector<float> first = spec.values();
    Require(static_cast<int64_t>(first.size()) == target.numel(), "first values fit");
    std::copy(first.begin(), first.end(), values);
    return;
  }
  Rng rng(RngKey{seed}.WithStage("train.weights").WithTerm(spec.name));
  for (int64_t i = 0; i < target.numel(); ++i) {
    switch (spec.init) {
      case Init::kUniform:
        values[i] = static_cast<float>(rng.Uniform(-spec.scale, spec.scale));
        break;
      case Init::kNormal:
        values[i] = static_cast<float>(spec.scale * rng.Normal());
        break;
      case Init::kZeros:
        values[i] = 0;
        break;
      case Init::kOnes:
        values[i] = 1;
        break;
    }
  }
}

}  // namespace

FlatParameters::FlatParameters(std::vector<ParameterSpec> specs, uint64_t seed, at::Device device)
    : specs_(std::move(specs)) {
  // decayed weights first, each on a cache line of its own
  std::stable_partition(specs_.begin(), specs_.end(),
                        [](const ParameterSpec& spec) { return spec.decay; });
  int64_t total = 0;
  for (const ParameterSpec& spec : specs_) {
    Require(offset_.emplace(spec.name, total).second, "every weight has a name of its own");
    const int64_t size = spec.size();
    count_ += size;
    total += (size + kAlignment - 1) / kAlignment * kAlignment;
    if (spec.decay) decayed_ = total;
  }

  // filled in main memory, so that every device starts equal
  Tensor values = at::zeros({total}, at::kFloat);
  for (ParameterSpec& spec : specs_) {
    Fill(values.narrow(0, offset_[spec.name], spec.size()), spec, seed);
    spec.values = nullptr;
  }
  values_ = values.to(device);
}

const Tensor& ReplicaWeights::operator[](const std::string& name) const {
  const auto found = leaves.find(name);
  Require(found != leaves.end(), "a network takes weights that it listed");
  return found->second;
}

ReplicaWeights FlatParameters::MakeReplica() const {
  ReplicaWeights replica;
  replica.gradients = at::zeros_like(values_);
  for (const ParameterSpec& spec : specs_) {
    const int64_t offset = offset_.at(spec.name), size = spec.size();
    Tensor leaf = values_.narrow(0, offset, size).view(spec.shape).detach();
    leaf.set_requires_grad(true);
    leaf.mutable_grad() = replica.gradients.narrow(0, offset, size).view(spec.shape);
    replica.leaves[spec.name] = leaf;
  }
  return replica;
}

TensorMap FlatParameters::Split(const Tensor& flat, const std::string& prefix) const {
  TensorMap map;
  const Tensor plain = flat.detach().to(at::kCPU);
  for (const ParameterSpec& spec : specs_) {
    map[prefix + spec.name] =
        ToBlob(plain.narrow(0, offset_.at(spec.name), spec.size()).view(spec.shape));
  }
  return map;
}

Tensor FlatParameters::Join(const TensorMap& map, const std::string& prefix,
                            const std::string& what) const {
  Tensor flat = at::zeros(values_.sizes(), at::kFloat);
  for (const ParameterSpec& spec : specs_) {
    const auto found = map.find(prefix + spec.name);
    if (found == map.end()) {
      ThrowBadInput(
          fmt::format("{}: tensor '{}' is missing; the file belongs to another policy "
                      "configuration",
                      what, prefix + spec.name));
    }
    const TensorBlob& blob = found->second;
    if (blob.shape != spec.shape || blob.dtype != "F32") {
      ThrowBadInput(
          fmt::format("{}: tensor '{}' is {} {}, the policy needs F32 {}; the file "
                      "belongs to another policy configuration",
                      what, prefix + spec.name, blob.dtype, blob.shape, spec.shape));
    }
    flat.narrow(0, offset_.at(spec.name), spec.size()).copy_(ToTensor(blob).flatten());
  }
  return flat.to(values_.device());
}

double LearningRate(const TrainerOptions& options, int64_t n) {
  if (n < options.warmup) {
    return options.learning_rate * static_cast<double>(n + 1) / static_cast<double>(options.warmup);
  }
  const double length = std::max<double>(1, static_cast<double>(*options.steps - options.warmup));
  const double progress = std::min(1.0, static_cast<double>(n - options.warmup) / length);
  const double cosine = 0.5 * (1 + std::cos(std::numbers::pi * progress));
  return options.learning_rate * (options.final_fraction + (1 - options.final_fraction) * cosine);
}

Optimizer::Optimizer(const TrainerOptions& options, FlatParameters& parameters)
    : options_(options),
      parameters_(parameters),
      first_(at::zeros_like(parameters.values())),
      second_(at::zeros_like(parameters.values())),
      average_(parameters.values().clone()) {
  for (int part = 0; part < 2; ++part) {
    step_counts_.push_back(at::zeros({}, parameters.values().options()));
  }
  slow_ = FindSlow();
}

double RateOf(const TrainerOptions& options, const std::string& weight) {
  double rate = 1;
  size_t longest = 0;
  for (const auto& [pattern, part] : options.rates) {
    if (!GlobMatch(pattern, weight) || pattern.size() < longest) continue;
    longest = pattern.size();
    rate = part;
  }
  return rate;
}

std::vector<Optimizer::Slow> Optimizer::FindSlow() const {
  std::vector<Slow> slow;
  for (const ParameterSpec& spec : parameters_.specs()) {
    const double rate = RateOf(options_, spec.name);
    if (rate != 1) slow.push_back({parameters_.offset(spec.name), spec.size(), rate});
  }
  for (const auto& [pattern, part] : options_.rates) {
    const bool used = std::ranges::any_of(parameters_.specs(), [&](const ParameterSpec& spec) {
      return GlobMatch(pattern, spec.name);
    });
    if (used) continue;
    std::set<std::string> parts;
    for (const ParameterSpec& spec : parameters_.specs()) {
      parts.insert(spec.name.substr(0, spec.name.find('.')));
    }
    ThrowUsage(fmt::format("trainer.rates: no weight matches '{}'; names begin with {}", pattern,
                           fmt::join(parts, ", ")));
  }
  return slow;
}

template <class Rate>
void Optimizer::Adam(const Tensor& gradients, const Rate& rate, const Tensor& no_number) {
  const Tensor& values = parameters_.values();
  const int64_t decayed = parameters_.decayed();
  const int64_t begin[] = {0, decayed}, size[] = {decayed, values.numel() - decayed};
  const std::optional<Tensor> skip = no_number.defined() ? std::optional(no_number) : std::nullopt;
  for (size_t part = 0; part < 2; ++part) {
    if (size[part] == 0) continue;
    std::vector<Tensor> weight{values.narrow(0, begin[part], size[part])};
    std::vector<Tensor> gradient{gradients.narrow(0, begin[part], size[part])};
    std::vector<Tensor> first{first_.narrow(0, begin[part], size[part])};
    std::vector<Tensor> second{second_.narrow(0, begin[part], size[part])};
    std::vector<Tensor> count{step_counts_[part]};
    at::_fused_adamw_(weight, gradient, first, second, {}, count, rate, options_.beta1,
                      options_.beta2, part == 0 ? options_.weight_decay : 0.0, options_.epsilon,
                      false, false, {}, skip);
  }
}

Tensor Optimizer::Step(Tensor& gradients) {
  const at::NoGradGuard no_grad;
  const std::vector<Tensor> before = BeforeSlow(gradients);

  // clip by the norm of everything; from what is no number nothing is learnt
  const Tensor norm = at::linalg_vector_norm(gradients, 2, {}, false, at::kDouble);
  if (!std::isfinite(norm.item<double>())) return norm;
  if (options_.clip > 0) gradients.mul_((options_.clip / (norm + 1e-6)).clamp_max(1.0));

  const double rate = LearningRate(options_, steps_);
  ++steps_;
  for (Tensor& count : step_counts_) count.fill_(static_cast<double>(steps_));
  Adam(gradients, rate);
  SlowDown(before);

  // the average forgets its start at first
  if (options_.ema > 0) average_.lerp_(parameters_.values(), 1 - AverageDecay(steps_));
  return norm;
}

double Optimizer::AverageDecay(int64_t n) const {
  const auto count = static_cast<double>(n);
  return std::min(options_.ema, (1 + count) / (10 + count));
}

std::vector<Tensor> Optimizer::BeforeSlow(Tensor& gradients) {
  std::vector<Tensor> before;
  for (const Slow& slow : slow_) {
    before.push_back(parameters_.values().narrow(0, slow.begin, slow.size).clone());
    if (slow.rate == 0) gradients.narrow(0, slow.begin, slow.size).zero_();
  }
  return before;
}

// A step of AdamW, weight decay included, is in proportion to the rate.
void Optimizer::SlowDown(const std::vector<Tensor>& before) {
  for (size_t i = 0; i < slow_.size(); ++i) {
    Tensor now = parameters_.values().narrow(0, slow_[i].begin, slow_[i].size);
    now.copy_(slow_[i].rate == 0 ? before[i] : at::lerp(before[i], now, slow_[i].rate));
  }
}

void Optimizer::BeforeStep() {
  const auto options = parameters_.values().options();
  if (!rate_.defined()) {
    // on processors the fused operator reads the rate as it is
    rate_ = at::zeros({}, options.dtype(options.device().is_cpu() ? at::kDouble : at::kFloat));
    to_average_ = at::zeros({}, options);
  }
  rate_.fill_(LearningRate(options_, steps_));
  for (Tensor& count : step_counts_) count.fill_(static_cast<double>(steps_ + 1));
  to_average_.fill_(1 - AverageDecay(steps_ + 1));
}

Tensor Optimizer::StepOnDevice(Tensor& gradients, const Tensor& loss) {
  const at::NoGradGuard no_grad;
  const std::vector<Tensor> before = BeforeSlow(gradients);

  // what is no number leaves weights, moments and average as they are
  const Tensor norm = at::linalg_vector_norm(gradients, 2, {}, false, at::kDouble);
  const Tensor number = norm.isfinite().logical_and(loss.isfinite());
  const Tensor no_number = number.logical_not().to(at::kFloat);
  if (options_.clip > 0) gradients.mul_((options_.clip / (norm + 1e-6)).clamp_max(1.0));
  Adam(gradients, rate_, no_number);
  SlowDown(before);
  if (options_.ema > 0) average_.lerp_(parameters_.values(), to_average_ * (1 - no_number));
  return norm;
}

void Optimizer::Export(TensorMap& state) const {
  state.merge(parameters_.Split(parameters_.values(), "weights/"));
  state.merge(parameters_.Split(first_, "first_moment/"));
  state.merge(parameters_.Split(second_, "second_moment/"));
  if (options_.ema > 0) state.merge(parameters_.Split(average_, "average/"));
  state["updates"] = ToBlob(at::scalar_tensor(steps_, at::kLong));
}

void Optimizer::Import(const TensorMap& state) {
  const std::string what = "training state";
  const auto updates = state.find("updates");
  if (updates == state.end() || updates->second.dtype != "I64" || !updates->second.shape.empty()) {
    ThrowBadInput(
        "training state: 'updates' is missing or no I64 scalar; the file is not a "
        "training state of this program");
  }
  const Tensor weights = parameters_.Join(state, "weights/", what);
  const Tensor first = parameters_.Join(state, "first_moment/", what);
  const Tensor second = parameters_.Join(state, "second_moment/", what);
  if (options_.ema > 0) average_.copy_(parameters_.Join(state, "average/", what));
  parameters_.values().copy_(weights);
  first_.copy_(first);
  second_.copy_(second);
  steps_ = ToTensor(updates->second).item<int64_t>();
}

}  // namespace understudy
