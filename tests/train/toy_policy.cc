#include "tests/train/toy_policy.h"

#include "train/tensors/safetensors.h"

namespace understudy {
namespace {

// O = horizon x action outputs of I = state + 1 inputs, the last of which is 1.
struct Linear {
  explicit Linear(const SampleLayout& layout)
      : inputs(static_cast<size_t>(layout[kStateColumn].info.size()) + 1),
        outputs(static_cast<size_t>(layout[kActionColumn].info.size()) *
                layout[kActionColumn].offsets.size()),
        weights_OI(inputs * outputs) {}

  // Input i of sample b.
  float Input(const Batch& batch, size_t b, size_t i) const {
    return i + 1 == inputs ? 1 : batch[kStateColumn].numbers[b * (inputs - 1) + i];
  }
  float Output(const Batch& batch, size_t b, size_t o) const {
    float sum = 0;
    for (size_t i = 0; i < inputs; ++i) sum += weights_OI[o * inputs + i] * Input(batch, b, i);
    return sum;
  }
  TensorBlob Blob() const {
    return FloatTensor(weights_OI, {static_cast<int64_t>(outputs), static_cast<int64_t>(inputs)});
  }

  const size_t inputs, outputs;
  std::vector<float> weights_OI;
};

class LinearEngine : public UpdateEngine {
 public:
  LinearEngine(const SampleLayout& layout, const LinearConfig& config,
               const TrainerOptions& trainer)
      : config_(config), trainer_(trainer), net_(layout) {}

  // a step of gradient descent on the squared error of the real steps
  void Update(const Batch& batch) override {
    const BatchColumn& action = batch[kActionColumn];
    const size_t size = static_cast<size_t>(batch.size);
    const size_t per_step = action.numbers.size() / action.real_BT.size();
    const float rate = static_cast<float>(trainer_.learning_rate) / static_cast<float>(size);
    std::vector<float> gradient_OI(net_.weights_OI.size());
    double squares = 0;
    for (size_t b = 0; b < size; ++b) {
      for (size_t o = 0; o < net_.outputs; ++o) {
        const size_t at = b * net_.outputs + o;
        if (action.real_BT[at / per_step] == 0) continue;
        const float error = net_.Output(batch, b, o) - action.numbers[at];
        squares += double{error} * error;
        for (size_t i = 0; i < net_.inputs; ++i) {
          gradient_OI[o * net_.inputs + i] += error * net_.Input(batch, b, i);
        }
      }
    }
    const float kept = static_cast<float>(1 - config_.decay);
    for (size_t i = 0; i < gradient_OI.size(); ++i) {
      net_.weights_OI[i] = kept * net_.weights_OI[i] - rate * gradient_OI[i];
    }
    losses_ += squares / static_cast<double>(action.numbers.size());
    ++updates_;
    ++summed_;
  }

  LossReport TakeLosses() override {
    LossReport report;
    report.updates = summed_;
    report.loss = summed_ > 0 ? losses_ / static_cast<double>(summed_) : 0;
    report.parts = {{"squared", report.loss}};
    report.learning_rate = trainer_.learning_rate;
    losses_ = 0;
    summed_ = 0;
    return report;
  }
  int64_t updates() const override { return updates_; }

  TensorMap ExportState() const override {
    return {{"weights.linear", net_.Blob()},
            {"updates", FloatTensor({static_cast<float>(updates_)}, {})}};
  }
  void ImportState(const TensorMap& state) override {
    net_.weights_OI = FloatsOf(state.at("weights.linear"));
    updates_ = static_cast<int64_t>(FloatsOf(state.at("updates"))[0]);
  }
  TensorMap ExportPolicy() const override { return {{"linear", net_.Blob()}}; }
  Json PolicyConfig() const override { return ToJson(config_); }
  Json Describe() const override { return {{"parameters", net_.weights_OI.size()}}; }

 private:
  LinearConfig config_;
  TrainerOptions trainer_;
  Linear net_;
  double losses_ = 0;
  int64_t updates_ = 0, summed_ = 0;
};

class LinearModel : public ChunkModel {
 public:
  LinearModel(const SampleLayout& layout, const TensorMap& weights) : net_(layout) {
    net_.weights_OI = FloatsOf(weights.at("linear"));
  }
  std::vector<float> Predict(const Batch& inputs, const std::vector<RngKey>&) const override {
    std::vector<float> actions_BTA;
    for (size_t b = 0; b < static_cast<size_t>(inputs.size); ++b) {
      for (size_t o = 0; o < net_.outputs; ++o) {
        actions_BTA.push_back(net_.Output(inputs, b, o));
      }
    }
    return actions_BTA;
  }

 private:
  Linear net_;
};

}  // namespace

PolicyNetwork LinearNetwork() {
  return {"linear",
          [](const SampleLayout& layout, int, const Json& policy,
             const TrainerOptions& trainer) -> std::unique_ptr<UpdateEngine> {
            return std::make_unique<LinearEngine>(layout, FromJson<LinearConfig>(policy, "policy"),
                                                  trainer);
          },
          [](const SampleLayout& layout, const Json&,
             const TensorMap& weights) -> std::unique_ptr<ChunkModel> {
            return std::make_unique<LinearModel>(layout, weights);
          }};
}

}  // namespace understudy
