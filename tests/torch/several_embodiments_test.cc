// One network for robots with different numbers of state and action, and different cameras.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "small_policy.h"
#include "train/tensors/safetensors.h"

namespace understudy {
namespace {

// Slot 0 has all of SmallShape; slot 1 three numbers of state, five of action, no hand camera.
constexpr int kOtherState = 3, kOtherAction = 5;

SampleLayout MixedLayout() {
  SampleLayout layout = SmallLayout();
  for (ColumnLayout& column : layout.columns) {
    ColumnInfo& info = column.info;
    if (info.name == ImageColumn("hand")) info.by_embodiment = {info.size(), 0};
    if (info.name == kStateColumn) info.by_embodiment = {info.size(), kOtherState};
    if (info.name == kActionColumn) info.by_embodiment = {info.size(), kOtherAction};
  }
  return layout;
}

SmallLearner MixedLearner(const Json& policy = {}, const Json& trainer = Json::object()) {
  Json all = SmallPolicy();
  if (!policy.is_null()) all.update(policy);
  return {MixedLayout(), all, SmallTrainer(trainer)};
}

// Writes `value` wherever an embodiment has nothing.
void Pad(Batch* batch, FlowDraws* draws, float value, uint8_t pixel) {
  const GrootShape shape = SmallShape();
  const auto tail = [&](std::vector<float>& numbers, size_t b, int rows, int size, int own) {
    for (int r = 0; r < rows; ++r) {
      for (int i = own; i < size; ++i) {
        const size_t at = b * static_cast<size_t>(rows * size) + static_cast<size_t>(r * size + i);
        numbers[at] = value;
      }
    }
  };
  for (size_t b = 0; b < static_cast<size_t>(batch->size); ++b) {
    if (batch->embodiment_B[b] == 0) continue;
    tail((*batch)[kStateColumn].numbers, b, 1, shape.state, kOtherState);
    tail((*batch)[kActionColumn].numbers, b, shape.horizon, shape.action, kOtherAction);
    tail(draws->noise_BDTA, b, draws->draws * shape.horizon, shape.action, kOtherAction);
    std::vector<uint8_t>& pixels = (*batch)[ImageColumn("hand")].pixels;
    const size_t size = pixels.size() / static_cast<size_t>(batch->size);
    std::fill_n(pixels.begin() + static_cast<std::ptrdiff_t>(b * size), size, pixel);
  }
}

FlowDraws MixedDraws(const Batch& batch) {
  return DrawFlow(batch, SmallShape(), ReadGrootConfig(SmallPolicy()), 5, 0);
}

// Of a chunk's real steps, the embodiment's own numbers.
std::vector<float> OwnNumbers(const Batch& batch, const std::vector<float>& chunks, size_t b,
                              size_t draws) {
  const size_t own = batch.embodiment_B[b] == 0 ? 7 : kOtherAction;
  std::vector<float> numbers;
  for (size_t i = 0; i < draws * 4; ++i) {
    if (batch[kActionColumn].real_BT[b * 4 + i % 4] == 0) continue;
    const auto begin = chunks.begin() + static_cast<std::ptrdiff_t>((b * draws * 4 + i) * 7);
    numbers.insert(numbers.end(), begin, begin + static_cast<std::ptrdiff_t>(own));
  }
  return numbers;
}

TEST(SeveralEmbodiments, PaddingCannotChangeAnything) {
  for (const char* precision : {"float32", "bfloat16"}) {
    SmallLearner learner = MixedLearner({}, {{"precision", precision}});
    Batch batch = SmallBatch(0, 6);
    FlowDraws draws = MixedDraws(batch);
    Pad(&batch, &draws, 0, 0);
    const Differentiated zeros = learner.Differentiate(batch, draws);
    for (const float value : {50.0f, std::numeric_limits<float>::quiet_NaN()}) {
      Pad(&batch, &draws, value, 200);
      const Differentiated garbage = learner.Differentiate(batch, draws);
      EXPECT_EQ(garbage.loss, zeros.loss) << precision;
      EXPECT_EQ(garbage.gradients, zeros.gradients) << precision;
      EXPECT_EQ(garbage.answer, zeros.answer) << precision;
    }
    // what it has does count: the comparison can fail
    batch[kStateColumn].numbers[1 * 5 + 2] += 1;
    EXPECT_NE(learner.Differentiate(batch, draws).loss, zeros.loss);
  }
}

// Weights that only padding would reach learn nothing.
TEST(SeveralEmbodiments, PaddedWeightsGetNoGradient) {
  SmallLearner learner = MixedLearner();
  const Batch batch = SmallBatch(0, 6);
  const Differentiated pass = learner.Differentiate(batch, MixedDraws(batch));
  const auto at = [&](const char* name, size_t i) {
    return FloatsOf(pass.gradients.at(name)).at(i);
  };
  const size_t d = 16;
  for (size_t i = 0; i < d; ++i) {
    EXPECT_EQ(at("state_encoder.layer1.W", (5 + kOtherState) * d + i), 0);
    EXPECT_EQ(at("action_encoder.W1.W", (7 + kOtherAction) * d + i), 0);
    EXPECT_EQ(at("action_decoder.layer2.W", (d + i) * 7 + kOtherAction), 0);
  }
  EXPECT_EQ(at("action_decoder.layer2.b", 7 + kOtherAction), 0);
  EXPECT_NE(at("action_decoder.layer2.b", 7 + kOtherAction - 1), 0);
}

// Squares of a sample's own numbers, over all that count in the whole batch.
TEST(SeveralEmbodiments, LossIsTheMeanOverAllNumbersThatAreThere) {
  SmallLearner learner = MixedLearner({{"gripper_weight", 3.0}});
  const Batch batch = SmallBatch(0, 6);
  const FlowDraws draws = MixedDraws(batch);
  const Differentiated pass = learner.Differentiate(batch, draws);
  double sum = 0, count = 0;
  for (size_t i = 0; i < pass.answer.size(); ++i) {
    const size_t b = i / 56, t = i / 7 % 4, a = i % 7;
    const bool other = batch.embodiment_B[b] == 1;
    if (!batch[kActionColumn].real_BT[b * 4 + t] || (other && a >= kOtherAction)) continue;
    const double target = batch[kActionColumn].numbers[(b * 4 + t) * 7 + a] - draws.noise_BDTA[i];
    const double weight = !other && a == 6 ? 3 : 1;  // five numbers have no gripper of ours
    sum += weight * std::pow(pass.answer[i] - target, 2);
    count += weight;
  }
  EXPECT_NEAR(pass.loss, sum / count, 1e-5 * pass.loss);

  // a part divides by the whole
  Batch first = PartOf(batch, 0, 3), second = PartOf(batch, 3, 3);
  const auto of_part = [&](const Batch& part, size_t begin) {
    FlowDraws some = draws;
    some.noise_BDTA.assign(
        draws.noise_BDTA.begin() + static_cast<std::ptrdiff_t>(begin * 56),
        draws.noise_BDTA.begin() + static_cast<std::ptrdiff_t>(begin * 56 + 168));
    some.time_BD.assign(draws.time_BD.begin() + static_cast<std::ptrdiff_t>(begin * 2),
                        draws.time_BD.begin() + static_cast<std::ptrdiff_t>(begin * 2 + 6));
    some.hide_state_B.assign(3, 0);
    return learner.Differentiate(part, some).loss;
  };
  EXPECT_NEAR(of_part(first, 0) + of_part(second, 3), pass.loss, 1e-5 * pass.loss);
}

// What a sample is answered does not depend on whom it shares a batch with.
TEST(SeveralEmbodiments, BatchMatesDoNotMatter) {
  SmallLearner learner = MixedLearner();
  const Batch batch = SmallBatch(0, 6);
  const auto model =
      MakeGrootChunkModel(MixedLayout(), learner->PolicyConfig(), learner->ExportPolicy());
  std::vector<RngKey> keys;
  for (uint64_t i = 0; i < 6; ++i) keys.push_back(RngKey{3}.WithParent(i));
  const std::vector<float> together = model->Predict(batch, keys);
  const FlowDraws draws = MixedDraws(batch);
  const Differentiated pass = learner.Differentiate(batch, draws);
  for (size_t b = 0; b < 6; ++b) {
    const Batch alone = PartOf(batch, b, 1);
    const std::vector<float> answer = model->Predict(alone, {keys[b]});
    EXPECT_TRUE(std::equal(answer.begin(), answer.end(),
                           together.begin() + static_cast<std::ptrdiff_t>(b * 28)))
        << b;
    // in training matrices of other sizes round differently
    const Differentiated one = learner.Differentiate(
        alone, DrawFlow(alone, SmallShape(), ReadGrootConfig(SmallPolicy()), 5, 0));
    const std::vector<float> in_batch = OwnNumbers(batch, pass.answer, b, 2),
                             by_itself = OwnNumbers(alone, one.answer, 0, 2);
    ASSERT_EQ(in_batch.size(), by_itself.size());
    for (size_t i = 0; i < in_batch.size(); ++i) EXPECT_NEAR(in_batch[i], by_itself[i], 1e-5);
  }
}

// An embodiment of a padded network is answered what a network of it alone, with the same weights,
// answers.
TEST(SeveralEmbodiments, APaddedNetworkIsTheOneOfItsEmbodiment) {
  SmallLearner learner = MixedLearner({{"condition_on_vision", true}});
  SampleLayout own = SmallLayout();
  own.columns.erase(own.columns.begin() + 1);  // the hand camera
  for (ColumnLayout& column : own.columns) {
    if (column.info.name == kStateColumn) column.info.shape = {kOtherState};
    if (column.info.name == kActionColumn) column.info.shape = {kOtherAction};
  }
  Json policy = SmallPolicy();
  policy["embodiments"] = 1;
  SmallLearner alone(own, policy, SmallTrainer());

  // the weights of slot 1, without padding and the other camera
  const TensorMap from = learner->ExportPolicy();
  TensorMap weights = alone->ExportPolicy();
  for (auto& [name, blob] : weights) {
    const TensorBlob& padded = from.at(name);
    const std::vector<float> values = FloatsOf(padded);
    std::vector<float> taken = FloatsOf(blob);
    const bool table = name.ends_with(".W") || name.ends_with(".b");
    if (table) {
      const size_t rows = blob.shape.size() == 3 ? static_cast<size_t>(blob.shape[1]) : 1,
                   columns = static_cast<size_t>(blob.shape.back()),
                   all_rows = padded.shape.size() == 3 ? static_cast<size_t>(padded.shape[1]) : 1,
                   all_columns = static_cast<size_t>(padded.shape.back());
      for (size_t i = 0; i < rows * columns; ++i) {
        taken[i] = values[(all_rows + i / columns) * all_columns + i % columns];
      }
    } else if (name == "dit.condition.weight") {
      // keypoints of both cameras (2 x 6), then the state
      for (size_t o = 0; o < 16; ++o) {
        for (size_t i = 0; i < 6 + 16; ++i) {
          taken[o * 22 + i] = values[o * 28 + (i < 6 ? i : i + 6)];
        }
      }
    } else {
      taken.assign(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(taken.size()));
    }
    std::memcpy(blob.data.data(), taken.data(), blob.data.size());
  }
  const auto padded = MakeGrootChunkModel(MixedLayout(), learner->PolicyConfig(), from);
  const auto single = MakeGrootChunkModel(own, alone->PolicyConfig(), weights);

  Batch batch = PartOf(SmallBatch(1, 1), 0, 1);
  std::vector<float> noise = Wave("noise", 4 * 7, 1);
  const std::vector<float> answer = padded->PredictFrom(batch, noise);
  Batch small = batch;
  small.columns.erase(small.columns.begin() + 1);
  small.embodiment_B = {0};
  small[kStateColumn].numbers.resize(kOtherState);
  std::vector<float> own_noise, expected;
  for (size_t t = 0; t < 4; ++t) {
    for (size_t a = 0; a < kOtherAction; ++a) {
      own_noise.push_back(noise[t * 7 + a]);
      expected.push_back(answer[t * 7 + a]);
    }
  }
  const std::vector<float> plain = single->PredictFrom(small, own_noise);
  ASSERT_EQ(plain.size(), expected.size());
  for (size_t i = 0; i < plain.size(); ++i) EXPECT_NEAR(plain[i], expected[i], 1e-5);
}

// A robot without cameras and words among others that have them.
TEST(SeveralEmbodiments, WhereNothingIsSeenTheAnswerIsANumber) {
  SampleLayout layout = MixedLayout();
  layout.columns[0].info.by_embodiment = {layout.columns[0].info.size(), 0};
  for (ColumnLayout& column : layout.columns) {
    if (column.info.name == kStateColumn) column.info.by_embodiment = {5, 0};  // and no state
  }
  SmallLearner learner(layout, SmallPolicy(), SmallTrainer());
  Batch batch = SmallBatch(0, 4);
  std::fill(batch[kInstructionColumn].tokens.begin(), batch[kInstructionColumn].tokens.end(), 0);
  const Differentiated pass = learner.Differentiate(batch, MixedDraws(batch));
  EXPECT_TRUE(std::isfinite(pass.loss));
  for (const auto& [name, blob] : pass.gradients) {
    for (const float value : FloatsOf(blob)) ASSERT_TRUE(std::isfinite(value)) << name;
  }
}

TEST(SeveralEmbodiments, LearnTenRowsByHeart) {
  SmallLearner learner =
      MixedLearner({{"width", 32}, {"feed_forward", 64}, {"noise_draws", 8}, {"keypoints", 8}},
                   {{"steps", 1000},
                    {"learning_rate", 4e-3},
                    {"warmup", 20},
                    {"weight_decay", 0.0},
                    {"microbatches", 1}});
  const Batch batch = SmallBatch(0, 10);
  learner->Update(batch);
  const double first = learner->TakeLosses().loss;
  for (int i = 1; i < 950; ++i) learner->Update(batch);
  learner->TakeLosses();
  for (int i = 950; i < 1000; ++i) learner->Update(batch);
  const LossReport last = learner->TakeLosses();
  EXPECT_LT(last.loss, 0.02 * first) << "at first " << first;
  // each of them
  std::map<std::string, double> parts(last.parts.begin(), last.parts.end());
  EXPECT_LT(parts.at("embodiment0"), 0.02 * first);
  EXPECT_LT(parts.at("embodiment1"), 0.02 * first);
  EXPECT_GT(parts.at("embodiment1"), 0);

  const auto model =
      MakeGrootChunkModel(MixedLayout(), learner->PolicyConfig(), learner->ExportPolicy());
  std::vector<RngKey> keys;
  for (uint64_t i = 0; i < 10; ++i) keys.push_back(RngKey{1}.WithParent(i));
  const std::vector<float> actions = model->Predict(batch, keys);
  double error[2] = {}, count[2] = {};
  for (size_t i = 0; i < actions.size(); ++i) {
    const size_t b = i / 28, slot = b % 2;
    if (!batch[kActionColumn].real_BT[i / 7] || (slot == 1 && i % 7 >= kOtherAction)) continue;
    error[slot] += std::pow(actions[i] - batch[kActionColumn].numbers[i], 2);
    ++count[slot];
  }
  EXPECT_LT(std::sqrt(error[0] / count[0]), 0.15);
  EXPECT_LT(std::sqrt(error[1] / count[1]), 0.15);
}

// Replicas add up to the same bits with padding too.
TEST(SeveralEmbodiments, ReplicasGiveTheSameWeights) {
  SmallLearner one = MixedLearner(), two = MixedLearner({}, {{"threads", 2}});
  for (uint64_t i = 0; i < 3; ++i) {
    one->Update(SmallBatch(8 * i, 8));
    two->Update(SmallBatch(8 * i, 8));
  }
  EXPECT_EQ(one->ExportState(), two->ExportState());
}

}  // namespace
}  // namespace understudy
