#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "small_policy.h"

namespace understudy {
namespace {

using testing::HasSubstr;

struct Trained {
  Json config;
  TensorMap weights;
};

Trained Train() {
  SmallLearner engine(SmallLayout(), SmallPolicy(), SmallTrainer());
  for (uint64_t i = 0; i < 3; ++i) engine->Update(SmallBatch(8 * i, 8));
  return {engine->PolicyConfig(), engine->ExportPolicy()};
}

std::vector<RngKey> Keys(size_t count) {
  std::vector<RngKey> keys;
  for (size_t i = 0; i < count; ++i) keys.push_back(RngKey{3}.WithParent(i));
  return keys;
}

TEST(GrootChunkModel, SavedAndLoadedActsTheSame) {
  const Trained trained = Train();
  const auto a = MakeGrootChunkModel(SmallLayout(), trained.config, trained.weights);
  const Json config = Json::parse(trained.config.dump());
  const auto b = MakeGrootChunkModel(SmallLayout(), config, trained.weights);
  const Batch inputs = SmallBatch(0, 3);
  const std::vector<float> actions = a->Predict(inputs, Keys(3));
  EXPECT_EQ(actions.size(), 3u * 4 * 7);
  EXPECT_EQ(b->Predict(inputs, Keys(3)), actions);
  EXPECT_EQ(a->Predict(inputs, Keys(3)), actions);
  EXPECT_NE(a->Predict(inputs, {RngKey{4}, RngKey{5}, RngKey{6}}), actions);
}

TEST(GrootChunkModel, AnswersDoNotDependOnTheRestOfTheBatch) {
  const Trained trained = Train();
  const auto model = MakeGrootChunkModel(SmallLayout(), trained.config, trained.weights);
  const std::vector<float> together = model->Predict(SmallBatch(0, 5), Keys(5));
  for (size_t i = 0; i < 5; ++i) {
    const std::vector<float> alone = model->Predict(SmallBatch(i, 1), {Keys(5)[i]});
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(),
                           together.begin() + static_cast<std::ptrdiff_t>(i * 28)))
        << "sample " << i;
  }
}

TEST(GrootChunkModel, ConcurrentCallersGetTheirOwnAnswers) {
  const Trained trained = Train();
  const auto model = MakeGrootChunkModel(SmallLayout(), trained.config, trained.weights);
  std::vector<std::vector<float>> expected;
  for (uint64_t i = 0; i < 4; ++i) {
    expected.push_back(model->Predict(SmallBatch(i, 1), {RngKey{i}}));
  }
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> callers;
  for (uint64_t i = 0; i < 4; ++i) {
    callers.emplace_back([&, i] {
      for (int k = 0; k < 20; ++k) {
        wrong[i] += model->Predict(SmallBatch(i, 1), {RngKey{i}}) != expected[i];
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_THAT(wrong, testing::Each(0));
}

TEST(GrootChunkModel, ForeignWeightsAreRefused) {
  const Trained trained = Train();
  const auto message = [&](const TensorMap& weights) -> std::string {
    try {
      MakeGrootChunkModel(SmallLayout(), trained.config, weights);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  TensorMap weights = trained.weights;
  weights.erase("vlln.bias");
  EXPECT_THAT(message(weights), HasSubstr("tensor 'vlln.bias' is missing"));
  weights = trained.weights;
  weights["extra"] = weights["vlln.bias"];
  EXPECT_THAT(message(weights), HasSubstr("the policy has"));
  weights = trained.weights;
  weights["vlln.bias"].shape = {4, 4};
  EXPECT_THAT(message(weights), HasSubstr("tensor 'vlln.bias' is F32 [4, 4], the policy needs F32 "
                                          "[16]"));
}

// Actions that are given come back as they are, and the others go on from them.
TEST(GrootChunkModel, ChunksGoOnFromGivenActions) {
  Json policy = SmallPolicy();
  policy["rtc_training_max_delay"] = 3;
  SmallLearner engine(SmallLayout(), policy, SmallTrainer());
  for (uint64_t i = 0; i < 3; ++i) engine->Update(SmallBatch(8 * i, 8));
  const auto model =
      MakeGrootChunkModel(SmallLayout(), engine->PolicyConfig(), engine->ExportPolicy());
  Batch inputs = SmallBatch(0, 1);
  const std::vector<float> free = model->Predict(inputs, Keys(1));

  BatchColumn committed;
  committed.name = kCommittedColumn;
  committed.numbers.assign(4 * 7, 90);  // what is not given is not looked at
  for (size_t i = 0; i < 14; ++i) committed.numbers[i] = 0.1f * static_cast<float>(i) - 0.5f;
  committed.real_BT = {1, 1, 0, 0};
  inputs.columns.push_back(committed);
  const std::vector<float> chunk = model->Predict(inputs, Keys(1));
  ASSERT_EQ(chunk.size(), free.size());
  EXPECT_TRUE(std::equal(chunk.begin(), chunk.begin() + 14, committed.numbers.begin()));
  for (size_t i = 14; i < 28; ++i) {
    EXPECT_LT(std::abs(chunk[i]), 20) << i;
    EXPECT_NE(chunk[i], free[i]) << i;
  }

  // none that is given: as without
  inputs[kCommittedColumn].real_BT = {0, 0, 0, 0};
  EXPECT_EQ(model->Predict(inputs, Keys(1)), free);
}

}  // namespace
}  // namespace understudy
