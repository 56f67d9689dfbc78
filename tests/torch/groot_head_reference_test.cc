#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "small_groot_head.h"

namespace understudy {
namespace {

// Relative to the largest of the expected numbers.
void ExpectHeadNear(const std::vector<float>& got, const std::vector<double>& expected,
                    double bound, const std::string& what) {
  ASSERT_GE(got.size(), expected.size()) << what;
  double largest = 0;
  for (const double value : expected) largest = std::max(largest, std::abs(value));
  ASSERT_GT(largest, 1e-7) << what << ": nothing to compare";
  for (size_t i = 0; i < expected.size(); ++i) {
    ASSERT_NEAR(got[i], expected[i], bound * largest) << what << " [" << i << "]";
  }
}

const Json& HeadReference() {
  static const Json reference =
      LoadJson(std::string(UNDERSTUDY_SOURCE_DIR) + "/tests/golden/groot_head_reference.json");
  return reference;
}

std::unique_ptr<Learner> HeadOfReference(const Json& policy, double scale = 0.25) {
  auto learner =
      MakeGrootHeadLearner(HeadLayout(policy), policy, SmallTrainer(),
                           [policy](const Batch&, int64_t) { return HeadDraws(policy); });
  learner->SetWeights(HeadWeights(learner->ExportPolicy(), scale));
  return learner;
}

class GrootHeadReference : public testing::TestWithParam<const char*> {};

TEST_P(GrootHeadReference, LossVelocityAndGradients) {
  const std::string version = GetParam();
  Json policy = SmallHead(version);
  // so that what is drawn of the state is used
  policy["state_dropout"] = 0.5;
  policy["state_noise"] = 0.05;
  // whole batches: draws are given for both samples at once
  const auto learner = HeadOfReference(policy);
  const Differentiated pass = learner->Differentiate(HeadBatch(policy));
  const Json& expected = HeadReference()[version];
  const double loss = expected["loss"];
  EXPECT_NEAR(pass.loss, loss, 1e-5 * loss);
  for (size_t b = 0; b < 2; ++b) {
    const auto begin = pass.answer.begin() + static_cast<std::ptrdiff_t>(b * 24);
    ExpectHeadNear({begin, begin + 24}, expected["velocity"][b].get<std::vector<double>>(), 1e-5,
                   "velocity");
  }
  for (const auto& [name, values] : expected["gradients"].items()) {
    ExpectHeadNear(FloatsOf(pass.gradients.at(name)), values.get<std::vector<double>>(), 1e-4,
                   name);
  }
  double squares = 0;
  for (const auto& [name, blob] : pass.gradients) {
    for (const float value : FloatsOf(blob)) squares += double{value} * value;
  }
  const double norm = expected["gradient_norm"];
  EXPECT_NEAR(std::sqrt(squares), norm, 1e-4 * norm);
}

TEST_P(GrootHeadReference, ActionsOfFourEulerSteps) {
  const std::string version = GetParam();
  const Json policy = SmallHead(version);
  const auto learner = HeadOfReference(policy);
  const auto model =
      MakeGrootHeadChunkModel(HeadLayout(policy), learner->PolicyConfig(), learner->ExportPolicy());
  const std::vector<float> actions =
      model->PredictFrom(HeadBatch(policy), HeadDraws(policy).noise_BHA);
  for (size_t b = 0; b < 2; ++b) {
    const auto begin = actions.begin() + static_cast<std::ptrdiff_t>(b * 12);
    ExpectHeadNear({begin, begin + 12},
                   HeadReference()[version]["chunks"][b].get<std::vector<double>>(), 1e-5, "chunk");
  }
}

INSTANTIATE_TEST_SUITE_P(Releases, GrootHeadReference, testing::Values("n1_5", "n1_6", "n1_7"));

// The released N1.7's widths, three of its blocks.
TEST(GrootHeadFullWidth, ActionsOfFourEulerSteps) {
  const Json policy{{"version", "n1_7"}, {"blocks", 3}, {"feature_blocks", 1}, {"positions", 40}};
  TensorMap weights;
  {
    const auto learner = MakeGrootHeadLearner(HeadLayout(policy), policy, SmallTrainer());
    weights = HeadWeights(learner->ExportPolicy(), 0.02);
  }
  const auto model = MakeGrootHeadChunkModel(HeadLayout(policy), policy, weights);
  Batch batch = PartOf(HeadBatch(policy), 0, 1);
  std::vector<float> noise = HeadDraws(policy).noise_BHA;
  noise.resize(noise.size() / 2);
  ExpectHeadNear(model->PredictFrom(batch, noise),
                 HeadReference()["full"].get<std::vector<double>>(), 1e-5, "chunk");
}

}  // namespace
}  // namespace understudy
