#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <utility>

#include "core/base/error.h"
#include "core/base/ordered_pool.h"
#include "train/run/not_finite.h"
#include "train/torch/cuda_module.h"
#include "train/torch/flops.h"
#include "train/torch/loss_net.h"
#include "train/torch/optimizer.h"
#include "train/torch/worker.h"

namespace understudy {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMicrobatches = 4;  // on processors

std::vector<ParameterSpec> ListWeights(const LearntPolicy& policy, at::Device device) {
  std::vector<ParameterSpec> specs;
  policy.make_net(device, [&](const ParameterSpec& spec) {
    specs.push_back(spec);
    return Tensor();
  });
  return specs;
}

class TorchLearner : public Learner {
 public:
  TorchLearner(LearntPolicy policy, const TrainerOptions& trainer);

  void Join(Ranks& ranks) override { ranks_ = &ranks; }
  void Update(const Batch& batch) override;
  bool TakesAhead() const override { return graph_ != nullptr; }
  void Announce(const Batch& next) override { next_ = &next; }
  double HeldOutLoss(const Batch& batch) override;
  LossReport TakeLosses() override;
  int64_t updates() const override { return optimizer_.steps(); }
  ComputeCost cost() const override { return cost_; }
  TensorMap ExportState() const override;
  void ImportState(const TensorMap& state) override;
  TensorMap ExportPolicy() const override;
  Json PolicyConfig() const override { return policy_.config; }
  Json Describe() const override;

  Differentiated Differentiate(const Batch& batch) override;
  void SetWeights(const TensorMap& weights) override;
  void UseGraphs(std::unique_ptr<StepGraph> graph, std::unique_ptr<StepGraph> rest) override;

 private:
  struct Replica {
    ReplicaWeights weights;
    std::unique_ptr<LossNet> net;
    std::unique_ptr<Worker> worker;  // none: the calling thread
    std::vector<Tensor> kept;        // sums that wait for their neighbour, by level of the tree
  };

  // A batch in the parts that the tree adds up.
  struct Pass {
    std::vector<Batch> parts;
    BatchTotals whole;
    int64_t update = 0;
    bool bfloat16 = false;
    std::vector<BatchPart> Parts() const {
      std::vector<BatchPart> all;
      for (const Batch& part : parts) all.push_back({part, whole, update, bfloat16});
      return all;
    }
  };
  using Parts = std::span<const BatchPart>;
  // Of the whole batch.
  int Microbatches(int ranks) const {
    if (options_.microbatches > 0) return options_.microbatches;
    return device_.is_cpu() ? kMicrobatches : ranks;
  }
  Pass Split(const Batch& batch) const;
  void SumOverRanks(Tensor& numbers) const;
  static PartLoss Run(Replica& replica, const BatchPart& part, bool differentiate);
  // Loss and sums of all parts; their gradients are those of replica 0 behind it.
  Tensor Sum(Parts parts, bool differentiate) {
    return Sum(parts, differentiate, 0, replicas_.size(), 0);
  }
  // The same by replicas [first, first + count).
  Tensor Sum(Parts parts, bool differentiate, size_t first, size_t count, size_t level);
  void ChoosePrecision(Pass pass);
  void MeasureCost(const BatchPart& part);
  void UpdateByGraph(const Batch& batch, const Pass& pass);
  [[noreturn]] void EndNotFinite(const Batch& batch, double loss);
  void ClearLosses();

  const LearntPolicy policy_;
  const TrainerOptions options_;
  const at::Device device_;
  FlatParameters parameters_;
  Optimizer optimizer_;
  Precision precision_;
  double float32_s_ = 0, bfloat16_s_ = 0;
  ComputeCost cost_;
  std::unique_ptr<StepGraph> graph_, rest_;  // null: steps are done as they come
  std::string why_no_graph_;
  Tensor step_sums_, step_norm_;  // what a recorded step writes
  const Batch* next_ = nullptr;
  std::vector<uint64_t> prepared_B_;  // samples whose inputs graph_ has; empty: of none
  Tensor sums_, norm_sum_;            // loss and sums of the policy; the norm
  int64_t summed_ = 0;
  Ranks* ranks_ = nullptr;
  std::vector<Replica> replicas_;  // last: their threads end first
};

TorchLearner::TorchLearner(LearntPolicy policy, const TrainerOptions& trainer)
    : policy_(std::move(policy)),
      options_(trainer),
      device_(ResolveDevice(trainer.device)),
      parameters_(ListWeights(policy_, device_), *trainer.seed, device_),
      optimizer_(trainer, parameters_),
      precision_(trainer.precision) {
  // a device is busy with one; on processors more than there are parts would have nothing to do
  const int count = device_.is_cpu() ? ThreadCount(options_.threads, Microbatches(1)) : 1;
  for (int i = 0; i < count; ++i) {
    Replica& replica = replicas_.emplace_back();
    replica.weights = parameters_.MakeReplica();
    replica.net = policy_.make_net(
        device_, [&](const ParameterSpec& spec) { return replica.weights[spec.name]; });
    if (i > 0) replica.worker = std::make_unique<Worker>();
  }
  ClearLosses();
  if (!device_.is_cuda() || !trainer.graphs) return;
  if (!policy_.fixed_shapes) {
    why_no_graph_ = "the shapes of its steps differ";
  } else if (const CudaModule* module = FindCudaModule(&why_no_graph_)) {
    UseGraphs(module->make_step_graph(), module->make_step_graph());
  }
}

void TorchLearner::UseGraphs(std::unique_ptr<StepGraph> graph, std::unique_ptr<StepGraph> rest) {
  Require(optimizer_.steps() == 0, "graphs are chosen before the first update");
  graph_ = std::move(graph);
  rest_ = std::move(rest);
  const auto options = parameters_.values().options();
  step_sums_ = at::zeros({1 + policy_.sums}, options);
  step_norm_ = at::zeros({}, options.dtype(at::kDouble));
}

TorchLearner::Pass TorchLearner::Split(const Batch& batch) const {
  Pass pass{{}, TotalsOf(batch), optimizer_.steps(), precision_ == Precision::kBfloat16};
  // each rank has its share of the parts
  const int ranks = ranks_ == nullptr ? 1 : ranks_->size();
  const int count = std::min((Microbatches(ranks) + ranks - 1) / ranks, batch.size);
  Require(count > 0, "a batch holds samples");
  for (int64_t i = 0; i < count; ++i) {
    const int64_t first = i * batch.size / count, end = (i + 1) * batch.size / count;
    pass.parts.push_back(
        PartOf(batch, static_cast<size_t>(first), static_cast<size_t>(end - first)));
  }
  return pass;
}

PartLoss TorchLearner::Run(Replica& replica, const BatchPart& part, bool differentiate) {
  const ThreadScope one_core(1);
  const at::AutoGradMode gradients(differentiate);
  if (!differentiate) {
    BatchPart measured = part;
    measured.learns = false;
    return replica.net->Loss(measured);
  }
  replica.weights.gradients.zero_();
  PartLoss loss = replica.net->Loss(part);
  loss.loss.backward();
  return loss;
}

Tensor TorchLearner::Sum(Parts parts, bool differentiate, size_t first, size_t count,
                         size_t level) {
  Replica& replica = replicas_[first];
  if (parts.size() == 1) {
    const PartLoss loss = Run(replica, parts[0], differentiate);
    return at::cat({loss.loss.detach().view({1}), loss.sums_N.detach()});
  }
  const size_t middle = (parts.size() + 1) / 2;
  const Parts first_half = parts.first(middle), second_half = parts.subspan(middle);
  Tensor left, right;
  if (count > 1) {
    // both halves at the same time, the right one by the other half of the replicas
    const size_t other = first + (count + 1) / 2;
    Worker& worker = *replicas_[other].worker;
    worker.Start(
        [&] { right = Sum(second_half, differentiate, other, first + count - other, level + 1); });
    std::exception_ptr error;
    try {
      left = Sum(first_half, differentiate, first, other - first, level + 1);
    } catch (...) {
      error = std::current_exception();
    }
    worker.Wait();
    if (error) std::rethrow_exception(error);
    if (differentiate) replica.weights.gradients.add_(replicas_[other].weights.gradients);
  } else {
    left = Sum(first_half, differentiate, first, 1, level + 1);
    if (replica.kept.size() <= level) replica.kept.resize(level + 1);
    Tensor& kept = replica.kept[level];
    if (!kept.defined()) kept = at::empty_like(replica.weights.gradients);
    if (differentiate) kept.copy_(replica.weights.gradients);
    right = Sum(second_half, differentiate, first, 1, level + 1);
    if (differentiate) replica.weights.gradients.add_(kept);
  }
  return left + right;
}

void TorchLearner::Update(const Batch& batch) {
  const ThreadScope one_core(1);
  Pass pass = Split(batch);
  if (precision_ == Precision::kAuto) ChoosePrecision(pass);
  pass.bfloat16 = precision_ == Precision::kBfloat16;
  if (cost_.flops_per_sample == 0) MeasureCost(pass.Parts()[0]);
  if (graph_ != nullptr) return UpdateByGraph(batch, pass);
  Tensor sums = Sum(pass.Parts(), true);
  SumOverRanks(replicas_[0].weights.gradients);
  SumOverRanks(sums);
  const auto loss = sums.select(0, 0).item<double>();
  if (!std::isfinite(loss)) EndNotFinite(batch, loss);
  const Tensor norm = optimizer_.Step(replicas_[0].weights.gradients);
  if (!std::isfinite(norm.item<double>())) EndNotFinite(batch, loss);
  norm_sum_.add_(norm);
  sums_.add_(sums);
  ++summed_;
}

void TorchLearner::UpdateByGraph(const Batch& batch, const Pass& pass) {
  Tensor& gradients = replicas_[0].weights.gradients;
  const StepGraph::Step differentiate = [&](Parts parts) { step_sums_.copy_(Sum(parts, true)); };
  const StepGraph::Step learn = [&](Parts) {
    step_norm_.copy_(optimizer_.StepOnDevice(gradients, step_sums_.select(0, 0)));
  };
  optimizer_.BeforeStep();
  if (prepared_B_ != batch.sample_B) graph_->Prepare({});
  prepared_B_.clear();
  if (ranks_ == nullptr) {
    graph_->Run(pass.Parts(), [&](Parts parts) {
      differentiate(parts);
      learn(parts);
    });
  } else {
    graph_->Run(pass.Parts(), differentiate);
    SumOverRanks(gradients);
    SumOverRanks(step_sums_);
    rest_->Run({}, learn);
  }

  // the next batch, while the device is at work
  if (const Batch* next = std::exchange(next_, nullptr)) {
    Pass ahead = Split(*next);
    ++ahead.update;
    ahead.bfloat16 = pass.bfloat16;
    graph_->Prepare(ahead.Parts());
    prepared_B_ = next->sample_B;
  }
  const auto loss = step_sums_.select(0, 0).item<double>();
  if (!std::isfinite(loss) || !std::isfinite(step_norm_.item<double>())) EndNotFinite(batch, loss);
  optimizer_.AfterStep();
  norm_sum_.add_(step_norm_);
  sums_.add_(step_sums_);
  ++summed_;
}

void TorchLearner::EndNotFinite(const Batch& batch, double loss) {
  // which samples are so by themselves
  const BatchTotals whole = TotalsOf(batch);
  std::vector<size_t> samples;
  for (size_t b = 0; b < static_cast<size_t>(batch.size); ++b) {
    const Batch one = PartOf(batch, b, 1);
    const PartLoss alone = Run(
        replicas_[0], {one, whole, optimizer_.steps(), precision_ == Precision::kBfloat16}, true);
    const bool number = std::isfinite(alone.loss.item<double>()) &&
                        at::isfinite(replicas_[0].weights.gradients).all().item<bool>();
    if (!number) samples.push_back(b);
  }
  // whatever its sign
  throw NotFinite(std::isfinite(loss) ? "a gradient that is no number"
                                      : fmt::format("loss {}", std::isnan(loss) ? "nan" : "inf"),
                  std::move(samples));
}

double TorchLearner::HeldOutLoss(const Batch& batch) {
  const ThreadScope one_core(1);
  Pass pass = Split(batch);
  pass.update = 0;  // the same draws each time
  const at::NoGradGuard no_grad;
  const Tensor learnt = parameters_.values().clone();
  parameters_.values().copy_(optimizer_.acting());
  Tensor sums = Sum(pass.Parts(), false);
  parameters_.values().copy_(learnt);
  SumOverRanks(sums);
  return sums.select(0, 0).item<double>();
}

void TorchLearner::SumOverRanks(Tensor& numbers) const {
  if (ranks_ == nullptr) return;
  ranks_->Sum(numbers.data_ptr<float>(), numbers.numel(), !device_.is_cpu());
}

Differentiated TorchLearner::Differentiate(const Batch& batch) {
  const BatchTotals whole = TotalsOf(batch);
  const bool bfloat16 = options_.precision == Precision::kBfloat16;
  const PartLoss loss = Run(replicas_[0], {batch, whole, optimizer_.steps(), bfloat16}, true);
  Differentiated pass;
  pass.loss = loss.loss.item<double>();
  pass.answer = ToFloats(loss.answer);
  pass.gradients = parameters_.Split(replicas_[0].weights.gradients, "");
  return pass;
}

void TorchLearner::SetWeights(const TensorMap& weights) {
  Require(optimizer_.steps() == 0, "weights are set before the first update");
  const at::NoGradGuard no_grad;
  parameters_.values().copy_(parameters_.Join(weights, "", "weights"));
  optimizer_.RestartAverage();
}

LossReport TorchLearner::TakeLosses() {
  LossReport report;
  report.updates = summed_;
  report.learning_rate = LearningRate(options_, std::max<int64_t>(0, optimizer_.steps() - 1));
  if (summed_ == 0) return report;
  const Tensor sums = sums_.to(at::kCPU, at::kDouble).contiguous();
  const double* numbers = sums.data_ptr<double>();
  report.loss = numbers[0] / static_cast<double>(summed_);
  report.gradient_norm = norm_sum_.item<double>() / static_cast<double>(summed_);
  policy_.report({numbers + 1, static_cast<size_t>(policy_.sums)}, report);
  ClearLosses();
  return report;
}

TensorMap TorchLearner::ExportState() const {
  TensorMap state;
  optimizer_.Export(state);
  state["precision"] = ToBlob(at::scalar_tensor(static_cast<int64_t>(precision_), at::kLong));
  return state;
}

void TorchLearner::ImportState(const TensorMap& state) {
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

TensorMap TorchLearner::ExportPolicy() const {
  TensorMap weights = parameters_.Split(optimizer_.acting(), "");
  const std::string& left_out = policy_.training_only;
  if (!left_out.empty()) {
    std::erase_if(weights, [&](const auto& entry) { return entry.first.starts_with(left_out); });
  }
  return weights;
}

Json TorchLearner::Describe() const {
  Json parts = Json::object();
  for (const ParameterSpec& spec : parameters_.specs()) {
    const std::string part = spec.name.substr(0, spec.name.find('.'));
    parts[part] = parts.value(part, int64_t{0}) + spec.size();
  }
  Json json{{"parameters", parameters_.count()},
            {"parameters_by_part", parts},
            {"precision", EnumNames<Precision>::kNames[static_cast<size_t>(precision_)]},
            {"threads", replicas_.size()},
            {"device", device_.str()},
            {"libtorch", TORCH_VERSION}};
  if (cost_.flops_per_sample > 0) json["flops_per_sample"] = cost_.flops_per_sample;
  if (graph_ != nullptr) json["graphs"] = {{"repeated", graph_->repeated()}};
  if (!why_no_graph_.empty()) json["graphs"] = {{"none", why_no_graph_}};
  if (float32_s_ > 0) json["probe"] = {{"float32_s", float32_s_}, {"bfloat16_s", bfloat16_s_}};
  return json;
}

// Times both on the first batch without learning from it, so that a run depends on the choice
// alone; the choice is part of the training state.
void TorchLearner::ChoosePrecision(Pass pass) {
  float32_s_ = bfloat16_s_ = 1e9;
  for (int i = 0; i < 4; ++i) {
    for (const bool bfloat16 : {false, true}) {
      pass.bfloat16 = bfloat16;
      const auto start = Clock::now();
      Sum(pass.Parts(), true).select(0, 0).item<float>();
      const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
      double& best = bfloat16 ? bfloat16_s_ : float32_s_;
      if (i > 0) best = std::min(best, seconds);  // the first pass of each warms caches
    }
  }
  // rank 0 decides for all
  bool bfloat16 = bfloat16_s_ < float32_s_;
  if (ranks_ != nullptr) bfloat16 = ranks_->Any(bfloat16 && ranks_->rank() == 0);
  precision_ = bfloat16 ? Precision::kBfloat16 : Precision::kFloat32;
}

// Learns nothing.
void TorchLearner::MeasureCost(const BatchPart& part) {
  const double forward = CountFlops([&] { replicas_[0].net->Loss(part); });
  cost_.flops_per_sample = 3 * forward / static_cast<double>(part.batch.size);
  // all replicas at once, as they work
  std::vector<double> peaks(replicas_.size());
  const auto measure = [&](size_t i) {
    const ThreadScope one_core(1);
    peaks[i] = MeasurePeakFlops(device_, part.bfloat16);
  };
  for (size_t i = 1; i < replicas_.size(); ++i) replicas_[i].worker->Start([&, i] { measure(i); });
  measure(0);
  for (size_t i = 1; i < replicas_.size(); ++i) replicas_[i].worker->Wait();
  cost_.peak_flops_per_s = std::accumulate(peaks.begin(), peaks.end(), 0.0);
}

void TorchLearner::ClearLosses() {
  const auto options = at::TensorOptions().dtype(at::kDouble).device(device_);
  sums_ = at::zeros({1 + policy_.sums}, options);
  norm_sum_ = at::zeros({}, options);
  summed_ = 0;
}

}  // namespace

std::vector<Tensor> TakeInputs(const BatchPart& part, at::Device device, const MakeInputs& make) {
  if (part.inputs != nullptr) return part.inputs->Take(part, device, make);
  std::vector<Tensor> inputs = make(part);
  for (Tensor& input : inputs) {
    if (input.defined()) input = input.to(device);
  }
  return inputs;
}

std::unique_ptr<Learner> MakeLearner(LearntPolicy policy, const TrainerOptions& trainer) {
  return std::make_unique<TorchLearner>(std::move(policy), trainer);
}

}  // namespace understudy
