// What needs LibTorch's own headers: steps that are recorded once and repeated with the inputs of
// other batches, as a CUDA graph does it, here on a processor; and the count of operations.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "core/base/error.h"
#include "small_act.h"
#include "small_policy.h"
#include "train/policies/bc_rnn_gmm/bc_rnn_gmm.h"
#include "train/run/not_finite.h"
#include "train/tensors/safetensors.h"
#include "train/torch/flops.h"
#include "train/torch/step_graph.h"

namespace understudy {
namespace {

// Repeats a step on the batch that was recorded, but for what its functions of MakeInputs give of
// the batch at hand: what else a loss takes from a batch is taken from the wrong one.
class StaleGraph : public StepGraph, private InputPath {
 public:
  void Run(std::span<const BatchPart> parts, const Step& step) override {
    if (warmed_ < 2) {
      step(parts);
      ++warmed_;
      return;
    }
    if (kept_.empty()) {
      for (const BatchPart& part : parts) kept_.push_back({part.batch, part.whole, part.update});
      recording_ = true;
      step(Kept(parts[0].bfloat16));
      recording_ = false;
      return;
    }
    if (!(prepared_ || Fill(parts))) {
      step(parts);
      ++other_;
      return;
    }
    prepared_ = false;
    next_ = 0;
    step(Kept(parts[0].bfloat16));
    EXPECT_EQ(next_, taken_.size());
    ++repeated_;
  }
  void Prepare(std::span<const BatchPart> parts) override {
    prepared_ = !kept_.empty() && !parts.empty() && Fill(parts);
  }
  int64_t repeated() const override { return repeated_; }
  int64_t other() const { return other_; }

 private:
  struct KeptPart {
    Batch batch;
    BatchTotals whole;
    int64_t update = 0;
  };
  struct Taken {
    size_t part = 0;
    MakeInputs make;
    std::vector<Tensor> places;
  };

  std::vector<BatchPart> Kept(bool bfloat16) {
    std::vector<BatchPart> parts;
    for (const KeptPart& kept : kept_) {
      BatchPart& part =
          parts.emplace_back(BatchPart{kept.batch, kept.whole, kept.update, bfloat16});
      part.inputs = this;
    }
    return parts;
  }
  std::vector<Tensor> Take(const BatchPart& part, at::Device, const MakeInputs& make) override {
    if (!recording_) return taken_.at(next_++).places;
    size_t index = 0;
    while (&kept_[index].batch != &part.batch) ++index;
    std::vector<Tensor> places = make(part);
    for (Tensor& place : places) {
      if (place.defined()) place = place.clone();
    }
    taken_.push_back({index, make, places});
    return places;
  }
  bool Fill(std::span<const BatchPart> parts) {
    std::vector<std::vector<Tensor>> all;
    for (const Taken& taken : taken_) {
      if (taken.part >= parts.size()) return false;
      all.push_back(taken.make(parts[taken.part]));
      for (size_t i = 0; i < taken.places.size(); ++i) {
        const Tensor &made = all.back()[i], &place = taken.places[i];
        if (made.defined() != place.defined()) return false;
        if (made.defined() && made.sizes() != place.sizes()) return false;
      }
    }
    const at::NoGradGuard no_grad;
    for (size_t t = 0; t < all.size(); ++t) {
      for (size_t i = 0; i < all[t].size(); ++i) {
        Tensor place = taken_[t].places[i];
        if (place.defined()) place.copy_(all[t][i]);
      }
    }
    return true;
  }

  std::vector<KeptPart> kept_;
  std::vector<Taken> taken_;
  size_t next_ = 0;
  int warmed_ = 0;
  bool recording_ = false, prepared_ = false;
  int64_t repeated_ = 0, other_ = 0;
};

// Averages may differ by rounding: their weight is a number on the device.
void ExpectSameState(const TensorMap& state, const TensorMap& expected) {
  ASSERT_EQ(state.size(), expected.size());
  for (const auto& [name, blob] : expected) {
    if (!name.starts_with("average/")) {
      EXPECT_EQ(state.at(name), blob) << name;
      continue;
    }
    const std::vector<float> values = FloatsOf(state.at(name)), wanted = FloatsOf(blob);
    for (size_t i = 0; i < wanted.size(); ++i) ASSERT_NEAR(values[i], wanted[i], 1e-6) << name;
  }
}

using MakeBatch = std::function<Batch(uint64_t number)>;

// The same learner with steps as they come and with recorded ones, which it returns.
StaleGraph* ExpectSameTraining(Learner& plain, Learner& recorded, const MakeBatch& batch,
                               bool announced) {
  auto graph = std::make_unique<StaleGraph>();
  StaleGraph* const seen = graph.get();
  recorded.UseGraphs(std::move(graph), std::make_unique<StaleGraph>());
  EXPECT_TRUE(recorded.TakesAhead());
  EXPECT_FALSE(plain.TakesAhead());
  constexpr uint64_t kUpdates = 7;
  for (uint64_t i = 0; i < kUpdates; ++i) {
    plain.Update(batch(i));
    const Batch next = batch(i + 1);
    if (announced) recorded.Announce(next);
    recorded.Update(batch(i));
  }
  ExpectSameState(recorded.ExportState(), plain.ExportState());
  const LossReport losses = recorded.TakeLosses(), wanted = plain.TakeLosses();
  EXPECT_EQ(losses.loss, wanted.loss);
  EXPECT_EQ(losses.gradient_norm, wanted.gradient_norm);
  EXPECT_EQ(losses.parts, wanted.parts);
  EXPECT_EQ(recorded.updates(), static_cast<int64_t>(kUpdates));
  EXPECT_EQ(recorded.Describe()["graphs"]["repeated"], seen->repeated());
  return seen;
}

Json OneEmbodiment(const Json& changes = Json::object()) {
  Json policy = SmallPolicy();
  policy["embodiments"] = 1;
  policy.update(changes);
  return policy;
}

// One text for all: a graph is of fixed shapes.
Batch OneText(uint64_t first, int size) {
  Batch batch = SmallBatch(first, size);
  auto& tokens = batch[kInstructionColumn].tokens;
  for (size_t i = 5; i < tokens.size(); ++i) tokens[i] = tokens[i % 5];
  batch.embodiment_B.assign(static_cast<size_t>(size), 0);
  return batch;
}

TEST(StepGraph, GrootTakesAllThatDiffersByItsInputs) {
  const Json policy = OneEmbodiment({{"dropout", 0.3},
                                     {"state_dropout", 0.4},
                                     {"rtc_training_max_delay", 2},
                                     {"object_weight", 0.5}});
  // rates of single weights, and parts whose gradients are added up
  const TrainerOptions trainer = SmallTrainer(
      {{"microbatches", 3}, {"clip", 0.5}, {"rates", {{"image.*", 0.1}, {"text.*", 0.0}}}});
  const auto batch = [](uint64_t i) {
    Batch one = OneText(11 * i, 11);
    one.columns.emplace_back().name = kObjectsColumn;
    for (size_t k = 0; k < 11 * 5; ++k) {
      one[kObjectsColumn].numbers.push_back(k < 5 * i ? std::nanf("") : 0.01f * (k + i));
    }
    return one;
  };
  for (const bool announced : {false, true}) {
    SmallLearner plain(SmallLayout(5), policy, trainer), recorded(SmallLayout(5), policy, trainer);
    EXPECT_EQ(ExpectSameTraining(*plain, *recorded, batch, announced)->repeated(), 4);
  }
}

TEST(StepGraph, ActTakesAllThatDiffersByItsInputs) {
  const auto batch = [](uint64_t i) { return SmallActBatch(9 * i, 9); };
  const auto make = [] {
    return MakeActLearner(SmallActLayout(), SmallActPolicy(), SmallTrainer(), {});
  };
  EXPECT_EQ(ExpectSameTraining(*make(), *make(), batch, true)->repeated(), 4);
}

TEST(StepGraph, BcRnnGmmTakesAllThatDiffersByItsInputs) {
  SampleLayout layout;
  layout.memory = 3;
  const std::vector<int> steps = ChunkOffsets(3);
  layout.columns = {{{ImageColumn("front"), {40, 48, 3}}, steps},
                    {{kStateColumn, {5}}, steps},
                    {{kActionColumn, {7}}, steps}};
  const Json policy{{"modality", "image"}, {"sequence", 3},  {"hidden", 16},       {"modes", 3},
                    {"crop", 36},          {"keypoints", 4}, {"image_features", 6}};
  const auto batch = [&](uint64_t i) {
    Batch one;
    one.size = 4;
    Rng rng(RngKey{13}.WithParent(i));
    for (const ColumnLayout& column : layout.columns) {
      BatchColumn& filled = one.columns.emplace_back();
      filled.name = column.info.name;
      for (int row = 0; row < 4 * 3; ++row) {
        filled.real_BT.push_back(row % 5 != static_cast<int>(i));
        for (int k = 0; k < column.info.size(); ++k) {
          if (IsImageColumn(filled.name)) {
            filled.pixels.push_back(static_cast<uint8_t>(rng.UniformInt(256)));
          } else {
            filled.numbers.push_back(static_cast<float>(rng.Uniform(-1, 1)));
          }
        }
      }
    }
    for (uint64_t b = 0; b < 4; ++b) one.sample_B.push_back(4 * i + b);
    one.embodiment_B.assign(4, 0);
    return one;
  };
  const auto make = [&] { return MakeBcRnnGmmLearner(layout, policy, SmallTrainer()); };
  EXPECT_EQ(ExpectSameTraining(*make(), *make(), batch, true)->repeated(), 4);
}

// Batches of other shapes go by the step itself, and the recorded ones go on.
TEST(StepGraph, OtherShapesAreDoneAsTheyCome) {
  const Json policy = OneEmbodiment();
  const auto batch = [](uint64_t i) {
    Batch one = OneText(6 * i, 6);
    // a second text beside the first in one part
    int32_t& word = one[kInstructionColumn].tokens[7];
    if (i == 4) word = word == 1 ? 2 : 1;
    return i == 5 ? OneText(6 * i, 5) : one;
  };
  SmallLearner plain(SmallLayout(), policy, SmallTrainer()),
      recorded(SmallLayout(), policy, SmallTrainer());
  const StaleGraph* graph = ExpectSameTraining(*plain, *recorded, batch, true);
  EXPECT_EQ(graph->repeated(), 2);
  EXPECT_EQ(graph->other(), 2);
}

// A batch that was not the announced one is not taken for it.
TEST(StepGraph, WhatWasAnnouncedIsUsedForThatBatchAlone) {
  const Json policy = OneEmbodiment();
  SmallLearner plain(SmallLayout(), policy, SmallTrainer()),
      recorded(SmallLayout(), policy, SmallTrainer());
  recorded->UseGraphs(std::make_unique<StaleGraph>(), std::make_unique<StaleGraph>());
  for (uint64_t i = 0; i < 7; ++i) {
    const Batch other = OneText(100 + 6 * i, 6);
    recorded->Announce(other);
    for (SmallLearner* one : {&plain, &recorded}) (*one)->Update(OneText(6 * i, 6));
  }
  ExpectSameState(recorded->ExportState(), plain->ExportState());
}

// From what is no number nothing is learnt by a recorded step either, and the samples are named.
TEST(StepGraph, SamplesThatGiveNoNumberAreNamed) {
  const Json policy = OneEmbodiment();
  SmallLearner learner(SmallLayout(), policy, SmallTrainer());
  learner->UseGraphs(std::make_unique<StaleGraph>(), std::make_unique<StaleGraph>());
  for (uint64_t i = 0; i < 5; ++i) learner->Update(OneText(6 * i, 6));
  const TensorMap before = learner->ExportState();
  Batch bad = OneText(30, 6);
  bad[kActionColumn].numbers[1 * 28] = std::numeric_limits<float>::infinity();
  try {
    learner->Update(bad);
    FAIL() << "no error";
  } catch (const NotFinite& fault) {
    EXPECT_THAT(fault.samples(), testing::ElementsAre(1));
  }
  EXPECT_EQ(learner->ExportState(), before);
}

TEST(Flops, AreThoseOfMatricesConvolutionsAndAttention) {
  const at::Tensor matrix = at::rand({3, 5}), other = at::rand({5, 7});
  EXPECT_EQ(CountFlops([&] { at::mm(matrix, other); }), 2 * 3 * 5 * 7);
  EXPECT_EQ(CountFlops([&] {
              at::linear(at::rand({2, 3, 5}), at::rand({7, 5}), at::rand({7}));
            }),
            2 * 2 * 3 * 5 * 7);
  EXPECT_EQ(CountFlops([&] {
              at::matmul(at::rand({4, 3, 5}), at::rand({4, 5, 7}));
            }),
            4 * 2 * 3 * 5 * 7);
  const std::vector<int64_t> two{2, 2}, zero{0, 0}, one{1, 1};
  // 6 channels of 9x9 into 8 of 4x4 by kernels of 3x3, in 1 and in 2 groups
  for (const int64_t groups : {1, 2}) {
    const at::Tensor image = at::rand({2, 6, 9, 9}), kernel = at::rand({8, 6 / groups, 3, 3});
    EXPECT_EQ(CountFlops([&] {
                at::conv2d(image, kernel, std::optional<at::Tensor>(), at::IntArrayRef(two),
                           at::IntArrayRef(zero), at::IntArrayRef(one), groups);
              }),
              2 * 2 * 8 * 4 * 4 * (6 / groups) * 3 * 3);
  }
  // 2 heads, 3 queries, 5 keys, 8 channels; whichever kernel does it
  const auto heads = [](int64_t rows) { return at::rand({1, 2, rows, 8}); };
  for (const bool masked : {false, true}) {
    const std::optional<at::Tensor> mask =
        masked ? std::optional(at::rand({1, 1, 3, 5})) : std::nullopt;
    EXPECT_EQ(
        CountFlops([&] { at::scaled_dot_product_attention(heads(3), heads(5), heads(5), mask); }),
        2 * 2 * 2 * 3 * 5 * 8);
  }
  EXPECT_EQ(CountFlops([&] { (matrix + matrix).exp().sum(); }), 0);
  EXPECT_GT(MeasurePeakFlops(at::kCPU, false), 1e8);
}

}  // namespace
}  // namespace understudy
