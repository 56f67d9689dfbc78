#include "train/policies/bc_rnn_gmm/bc_rnn_gmm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <set>
#include <thread>

#include "core/seam/policy.h"
#include "small_policy.h"
#include "train/tensors/safetensors.h"

namespace understudy {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr size_t kRnnModes = 3, kRnnAction = 7;

// The networks of tests/golden/bc_rnn_gmm_reference.py.
Json RnnPolicy(int sequence, const Json& changes = Json::object()) {
  Json policy{{"modality", "low_dim"},
              {"sequence", sequence},
              {"hidden", 16},
              {"modes", kRnnModes},
              {"crop", 0},
              {"keypoints", 4},
              {"image_features", 6}};
  policy.update(changes);
  return policy;
}

SampleLayout RnnLayout(int sequence, int cameras = 0, int height = 36, int width = 70) {
  SampleLayout layout;
  layout.memory = sequence;
  const std::vector<int> steps = ChunkOffsets(sequence);
  for (int camera = 0; camera < cameras; ++camera) {
    layout.columns.push_back({{ImageColumn(std::to_string(camera)), {height, width, 3}}, steps});
  }
  layout.columns.push_back({{kStateColumn, {5}}, steps});
  layout.columns.push_back({{kSeenObjectsColumn, {10}}, steps});
  layout.columns.push_back({{kActionColumn, {static_cast<int>(kRnnAction)}}, steps});
  return layout;
}

Json RnnTrainer(const Json& changes = Json::object()) {
  Json trainer{{"warmup", 0}, {"final_fraction", 1.0}, {"weight_decay", 0.0}, {"clip", 0.0},
               {"ema", 0.0},  {"learning_rate", 1e-3}};
  trainer.update(changes);
  return trainer;
}

std::unique_ptr<Learner> MakeRnn(const SampleLayout& layout, const Json& policy,
                                 const Json& trainer = RnnTrainer()) {
  return MakeBcRnnGmmLearner(layout, policy, SmallTrainer(trainer));
}

// Inputs of the reference.
Batch RnnWaveBatch(const SampleLayout& layout, const std::vector<std::vector<uint8_t>>& real) {
  Batch batch;
  batch.size = static_cast<int>(real.size());
  const size_t rows = real.size() * real[0].size();
  int64_t camera = 0;
  for (const ColumnLayout& column : layout.columns) {
    BatchColumn& filled = batch.columns.emplace_back();
    filled.name = column.info.name;
    for (const auto& row : real) {
      filled.real_BT.insert(filled.real_BT.end(), row.begin(), row.end());
    }
    const size_t count = rows * static_cast<size_t>(column.info.size());
    if (IsImageColumn(filled.name)) {
      for (int64_t i = 11 * camera; i < static_cast<int64_t>(count) + 11 * camera; ++i) {
        filled.pixels.push_back(static_cast<uint8_t>((i * 37 + i * i % 101) % 256));
      }
      ++camera;
    } else if (filled.name == kActionColumn) {
      filled.numbers = Wave("actions", count, 0.8);
    } else {
      const bool state = filled.name == kStateColumn;
      filled.numbers = Wave(state ? "state" : "objects", count, state ? 1 : 0.9);
    }
  }
  for (size_t b = 0; b < real.size(); ++b) {
    batch.sample_B.push_back(b + 1);
    batch.embodiment_B.push_back(0);
  }
  return batch;
}

// Every weight a closed form.
void SetRnnWaves(Learner& learner) {
  TensorMap weights = learner.ExportPolicy();
  for (auto& [name, blob] : weights) {
    const bool kernel =
        (name.find(".conv") != std::string::npos || name.find("downsample.0") != std::string::npos);
    const std::vector<float> values =
        Wave(name, blob.data.size() / sizeof(float), kernel ? 0.05 : 0.25);
    std::memcpy(blob.data.data(), values.data(), blob.data.size());
  }
  learner.SetWeights(weights);
}

Json RnnReference() {
  const std::string source = UNDERSTUDY_SOURCE_DIR;
  return LoadJson(source + "/tests/golden/bc_rnn_gmm_reference.json");
}

void CompareWithRobomimic(const Json& expected, const SampleLayout& layout, const Json& policy,
                          const std::vector<std::vector<uint8_t>>& real, double tolerance) {
  const auto learner = MakeRnn(layout, policy);
  SetRnnWaves(*learner);
  const Differentiated pass = learner->Differentiate(RnnWaveBatch(layout, real));
  EXPECT_NEAR(pass.loss, expected["loss"].get<double>(), tolerance);

  // means and deviations of all modes, logits up to a constant
  const size_t steps = real.size() * real[0].size(), width = kRnnModes * (2 * kRnnAction + 1);
  ASSERT_EQ(pass.answer.size(), steps * width);
  for (size_t n = 0; n < steps; ++n) {
    const float* answer = &pass.answer[n * width];
    for (size_t i = 0; i < kRnnModes * kRnnAction; ++i) {
      const size_t at = n * kRnnModes * kRnnAction + i;
      ASSERT_NEAR(answer[i], expected["means"][at].get<double>(), tolerance) << n;
      ASSERT_NEAR(answer[kRnnModes * kRnnAction + i], expected["deviations"][at].get<double>(),
                  tolerance)
          << n;
    }
    const float* logits = answer + 2 * kRnnModes * kRnnAction;
    double sum = 0;
    for (size_t m = 0; m < kRnnModes; ++m) sum += std::exp(logits[m]);
    for (size_t m = 0; m < kRnnModes; ++m) {
      ASSERT_NEAR(logits[m] - std::log(sum),
                  expected["log_shares"][n * kRnnModes + m].get<double>(), tolerance);
    }
  }

  // the gradient of every tensor
  const Json& gradients = expected["gradients"];
  ASSERT_EQ(gradients.size(), pass.gradients.size());
  for (const auto& [name, blob] : pass.gradients) {
    ASSERT_TRUE(gradients.contains(name)) << name;
    const std::vector<float> got = FloatsOf(blob), weights = Wave("dot." + name, got.size(), 1);
    double squares = 0, dot = 0;
    for (size_t i = 0; i < got.size(); ++i) {
      squares += double{got[i]} * got[i];
      dot += double{got[i]} * weights[i];
    }
    // a bias in front of a softmax has none but rounding
    const double norm = std::max(1e-5, gradients[name]["norm"].get<double>());
    EXPECT_NEAR(std::sqrt(squares), gradients[name]["norm"].get<double>(), 10 * tolerance * norm)
        << name;
    EXPECT_NEAR(dot, gradients[name]["dot"].get<double>(), 30 * tolerance * norm) << name;
    const auto first = gradients[name]["first"].get<std::vector<double>>();
    for (size_t i = 0; i < first.size(); ++i) {
      EXPECT_NEAR(got[i], first[i], 10 * tolerance * norm) << name << " [" << i << "]";
    }
  }
}

TEST(BcRnnGmm, LowDimIsRobomimicsNetwork) {
  CompareWithRobomimic(RnnReference()["low_dim"], RnnLayout(5), RnnPolicy(5),
                       {{1, 1, 1, 1, 1}, {1, 1, 0, 0, 0}, {1, 1, 1, 1, 0}}, 2e-6);
}

TEST(BcRnnGmm, ImageIsRobomimicsNetwork) {
  CompareWithRobomimic(RnnReference()["image"], RnnLayout(3, 2), RnnPolicy(3),
                       {{1, 1, 1}, {1, 1, 0}}, 2e-5);
}

// The first `steps` rows of one sequence of the reference.
Batch RnnRows(const Batch& whole, size_t first, size_t steps) {
  Batch batch = whole;
  for (BatchColumn& column : batch.columns) {
    const size_t width = column.numbers.size() / column.real_BT.size();
    const auto begin = column.numbers.begin() + static_cast<std::ptrdiff_t>(first * width);
    column.numbers = {begin, begin + static_cast<std::ptrdiff_t>(steps * width)};
    column.real_BT.assign(steps, 1);
  }
  return batch;
}

// Robomimic keeps a hidden state and begins anew every few steps; we run over what there is since.
TEST(BcRnnGmm, ActsAsRobomimicWithItsHiddenState) {
  const SampleLayout layout = RnnLayout(5);
  const auto learner = MakeRnn(layout, RnnPolicy(5, {{"acting_std", 0.0}}));
  SetRnnWaves(*learner);
  const auto model =
      MakeBcRnnGmmChunkModel(layout, learner->PolicyConfig(), learner->ExportPolicy());
  const Json expected = RnnReference()["acting"];
  const size_t steps = expected.size();
  ASSERT_EQ(steps, 13u);
  const Batch rows = RnnWaveBatch(layout, {std::vector<uint8_t>(steps, 1)});
  PolicyInfo info;
  info.history = info.restart = 5;
  for (size_t step = 0; step < steps; ++step) {
    const auto earlier = static_cast<size_t>(info.EarlierAt(static_cast<int64_t>(step)));
    EXPECT_EQ(earlier, step % 5);
    const Batch seen = RnnRows(rows, step - earlier, earlier + 1);
    const auto means = expected[step]["means"].get<std::vector<double>>();
    const auto shares = expected[step]["shares"].get<std::vector<double>>();
    std::vector<int> drawn(kRnnModes);
    constexpr int kDraws = 300;
    for (uint64_t draw = 0; draw < kDraws; ++draw) {
      const std::vector<float> action = model->Predict(seen, {RngKey{.seed = 3, .parent = draw}});
      ASSERT_EQ(action.size(), kRnnAction);
      bool found = false;
      for (size_t m = 0; m < kRnnModes && !found; ++m) {
        found = true;
        for (size_t a = 0; a < kRnnAction; ++a) {
          found = found && std::abs(action[a] - means[m * kRnnAction + a]) < 1e-6;
        }
        drawn[m] += found;
      }
      ASSERT_TRUE(found) << "step " << step << ": no mode of robomimic's";
    }
    for (size_t m = 0; m < kRnnModes; ++m) {
      EXPECT_NEAR(drawn[m] / double{kDraws}, shares[m], 4 * std::sqrt(0.25 / kDraws)) << step;
    }
  }
}

// Sequences [first, first + size) of an endless random set; every third ends early.
Batch RnnSequences(const SampleLayout& layout, uint64_t first, int size) {
  Batch batch;
  batch.size = size;
  for (const ColumnLayout& column : layout.columns) {
    BatchColumn& filled = batch.columns.emplace_back();
    filled.name = column.info.name;
    for (int b = 0; b < size; ++b) {
      const uint64_t sample = first + static_cast<uint64_t>(b);
      Rng rng(RngKey{17}.WithParent(sample).WithTerm(column.info.name));
      const int real = sample % 3 == 2 ? 2 : column.steps();
      for (int t = 0; t < column.steps(); ++t) {
        filled.real_BT.push_back(t < real);
        for (int i = 0; i < column.info.size(); ++i) {
          if (IsImageColumn(filled.name)) {
            filled.pixels.push_back(static_cast<uint8_t>(rng.UniformInt(256)));
          } else {
            filled.numbers.push_back(static_cast<float>(rng.Uniform(-0.9, 0.9)));
          }
        }
      }
    }
  }
  for (int b = 0; b < size; ++b) {
    batch.sample_B.push_back(first + static_cast<uint64_t>(b));
    batch.embodiment_B.push_back(0);
  }
  return batch;
}

TEST(BcRnnGmm, PaddedStepsCannotChangeTheOthers) {
  const SampleLayout layout = RnnLayout(4);
  const auto learner = MakeRnn(layout, RnnPolicy(4));
  Batch batch = RnnSequences(layout, 0, 6);
  const Differentiated before = learner->Differentiate(batch);
  int padded = 0;
  for (BatchColumn& column : batch.columns) {
    const size_t width = column.numbers.size() / column.real_BT.size();
    for (size_t n = 0; n < column.real_BT.size(); ++n) {
      if (column.real_BT[n] != 0) continue;
      ++padded;
      for (size_t i = 0; i < width; ++i) column.numbers[n * width + i] = 40;
    }
  }
  ASSERT_EQ(padded, 3 * 2 * 2);
  const Differentiated after = learner->Differentiate(batch);
  EXPECT_EQ(after.loss, before.loss);
  EXPECT_EQ(after.gradients, before.gradients);
  // a real step does change them: the comparison can fail
  batch[kStateColumn].numbers[0] += 1;
  EXPECT_NE(learner->Differentiate(batch).loss, before.loss);
}

// After three updates of 11 sequences, with pictures and their crops.
TensorMap AfterThreeRnnUpdates(const Json& trainer) {
  const SampleLayout layout = RnnLayout(3, 1, 36, 38);
  const auto learner = MakeRnn(layout, RnnPolicy(3, {{"crop", 34}}), RnnTrainer(trainer));
  for (uint64_t i = 0; i < 3; ++i) learner->Update(RnnSequences(layout, 11 * i, 11));
  return learner->ExportState();
}

TEST(BcRnnGmm, ReplicasGiveTheSameWeightsBitForBit) {
  for (const char* precision : {"float32", "bfloat16"}) {
    Json trainer{{"precision", precision}, {"threads", 1}};
    const TensorMap one = AfterThreeRnnUpdates(trainer);
    trainer["threads"] = 2;
    EXPECT_EQ(AfterThreeRnnUpdates(trainer), one) << precision;
    for (const auto& [name, blob] : one) {
      if (!name.starts_with("weights/")) continue;
      for (const float value : FloatsOf(blob)) ASSERT_TRUE(std::isfinite(value)) << name;
    }
  }
}

TEST(BcRnnGmm, ResumedIsNeverStopped) {
  const SampleLayout layout = RnnLayout(4);
  const auto whole = MakeRnn(layout, RnnPolicy(4)), first = MakeRnn(layout, RnnPolicy(4)),
             second = MakeRnn(layout, RnnPolicy(4));
  for (uint64_t i = 0; i < 6; ++i) whole->Update(RnnSequences(layout, 8 * i, 8));
  for (uint64_t i = 0; i < 3; ++i) first->Update(RnnSequences(layout, 8 * i, 8));
  second->ImportState(first->ExportState());
  for (uint64_t i = 3; i < 6; ++i) second->Update(RnnSequences(layout, 8 * i, 8));
  EXPECT_EQ(second->ExportState(), whole->ExportState());
}

// Ten rows by heart, and the acting policy says them. Deviations that may shrink to nothing let
// rows go that are not yet learnt, here as in robomimic: the least one is large.
TEST(BcRnnGmm, LearnsTenRowsByHeart) {
  const SampleLayout layout = RnnLayout(10);
  const auto learner = MakeRnn(layout, RnnPolicy(10, {{"hidden", 128}, {"min_std", 0.05}}),
                               RnnTrainer({{"learning_rate", 3e-3},
                                           {"steps", 1500},
                                           {"final_fraction", 0.01},
                                           {"beta2", 0.999},
                                           {"clip", 1.0}}));
  const Batch batch = RnnSequences(layout, 0, 1);
  for (int i = 0; i < 1499; ++i) learner->Update(batch);
  learner->TakeLosses();
  learner->Update(batch);
  const LossReport report = learner->TakeLosses();
  // seven Gaussians at their means
  EXPECT_NEAR(report.loss, 7 * (std::log(0.05) + 0.5 * std::log(2 * M_PI)), 0.2);
  ASSERT_EQ(report.by_step.size(), 10u);
  for (const double step : report.by_step) EXPECT_NEAR(step, report.loss, 0.5);
  ASSERT_EQ(report.parts.size(), 1u);
  EXPECT_EQ(report.parts[0].first, "negative_log_likelihood");
  EXPECT_NEAR(report.parts[0].second, report.loss, 1e-3);

  const auto model =
      MakeBcRnnGmmChunkModel(layout, learner->PolicyConfig(), learner->ExportPolicy());
  for (size_t step = 0; step < 10; ++step) {
    const std::vector<float> action =
        model->Predict(RnnRows(batch, 0, step + 1), {RngKey{.seed = 1, .parent = step}});
    for (size_t a = 0; a < kRnnAction; ++a) {
      EXPECT_NEAR(action[a], batch[kActionColumn].numbers[step * kRnnAction + a], 0.02) << step;
    }
  }
}

// Crops vary with the update, and never leave the picture; who acts sees the middle.
TEST(BcRnnGmm, PicturesAreCropped) {
  const SampleLayout layout = RnnLayout(2, 1, 52, 56);
  const auto learner = MakeRnn(layout, RnnPolicy(2, {{"crop", 48}}));
  Batch batch = RnnSequences(layout, 0, 2);
  const double first = learner->Differentiate(batch).loss;
  EXPECT_EQ(learner->Differentiate(batch).loss, first);
  batch.sample_B = {7, 8};
  EXPECT_NE(learner->Differentiate(batch).loss, first);

  const auto model =
      MakeBcRnnGmmChunkModel(layout, learner->PolicyConfig(), learner->ExportPolicy());
  const auto act = [&](const Batch& seen) { return model->Predict(seen, {RngKey{1}, RngKey{2}}); };
  const std::vector<float> answer = act(batch);
  std::vector<uint8_t>& pixels = batch[ImageColumn("0")].pixels;
  const auto invert = [&](int y, int x) {
    for (size_t n = 0; n < 4; ++n) {
      uint8_t& value =
          pixels[((n * 52 + static_cast<size_t>(y)) * 56 + static_cast<size_t>(x)) * 3];
      value = static_cast<uint8_t>(255 - value);
    }
  };
  for (const auto& [y, x] : {std::pair{0, 20}, {1, 20}, {50, 20}, {51, 20}, {18, 3}, {18, 52}}) {
    invert(y, x);
  }
  EXPECT_EQ(act(batch), answer) << "what lies outside of the middle is not seen";
  for (const auto& [y, x] : {std::pair{2, 20}, {49, 20}, {18, 4}, {18, 51}}) {
    invert(y, x);
    EXPECT_NE(act(batch), answer) << y << ", " << x;
    invert(y, x);
  }
}

TEST(BcRnnGmm, AnswersDependOnInputAndKeyOnly) {
  const SampleLayout layout = RnnLayout(4);
  const auto learner = MakeRnn(layout, RnnPolicy(4));
  const auto model =
      MakeBcRnnGmmChunkModel(layout, learner->PolicyConfig(), learner->ExportPolicy());
  const Batch three = RnnSequences(layout, 0, 3);
  const std::vector<RngKey> keys{RngKey{1}, RngKey{2}, RngKey{3}};
  const std::vector<float> together = model->Predict(three, keys);
  std::vector<std::vector<float>> alone(3);
  {
    std::vector<std::jthread> threads;
    for (size_t b = 0; b < 3; ++b) {
      threads.emplace_back([&, b] { alone[b] = model->Predict(PartOf(three, b, 1), {keys[b]}); });
    }
  }
  for (size_t b = 0; b < 3; ++b) {
    const auto begin = together.begin() + static_cast<std::ptrdiff_t>(b * kRnnAction);
    EXPECT_EQ(alone[b],
              (std::vector<float>{begin, begin + static_cast<std::ptrdiff_t>(kRnnAction)}));
  }
}

TEST(BcRnnGmm, ForeignWeightsAndBadOptionsAreRefused) {
  const SampleLayout layout = RnnLayout(4);
  const auto learner = MakeRnn(layout, RnnPolicy(4));
  TensorMap weights = learner->ExportPolicy();
  weights["more"] = weights.at("decoder.mean.bias");
  EXPECT_THAT([&] { MakeBcRnnGmmChunkModel(layout, learner->PolicyConfig(), weights); },
              ThrowsMessage<Error>(HasSubstr("15 tensors given, the policy has 14")));
  weights.erase("more");
  weights.erase("rnn.weight_hh_l1");
  EXPECT_THAT([&] { MakeBcRnnGmmChunkModel(layout, learner->PolicyConfig(), weights); },
              ThrowsMessage<Error>(HasSubstr("tensor 'rnn.weight_hh_l1' is missing")));
  EXPECT_THAT(
      [&] {
        MakeRnn(RnnLayout(4, 1, 30, 40), RnnPolicy(4, {{"crop", 31}}));
      },
      ThrowsMessage<Error>(HasSubstr("crop = 31: pictures are 40x30; give --policy.crop "
                                     "of at most 30, or 0")));
}

}  // namespace
}  // namespace understudy
