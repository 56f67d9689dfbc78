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

}  // namespace
}  // namespace understudy
