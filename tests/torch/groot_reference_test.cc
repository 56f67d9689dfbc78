#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "small_policy.h"
#include "train/tensors/safetensors.h"

namespace understudy {
namespace {

// Relative to the largest of the expected numbers.
void ExpectNear(const std::vector<float>& got, const std::vector<double>& expected,
                const std::string& what) {
  ASSERT_GE(got.size(), expected.size()) << what;
  double largest = 0;
  for (const double value : expected) largest = std::max(largest, std::abs(value));
  ASSERT_GT(largest, 1e-7) << what << ": nothing to compare";
  for (size_t i = 0; i < expected.size(); ++i) {
    ASSERT_NEAR(got[i], expected[i], 1e-4 * largest) << what << " [" << i << "]";
  }
}

class GrootReference : public testing::Test {
 protected:
  GrootReference() {
    const SampleLayout layout = SmallLayout(10);
    Json policy = SmallPolicy();
    policy["gripper_weight"] = 2.0;
    policy["object_weight"] = 0.3;
    const TrainerOptions trainer = SmallTrainer({{"steps", 10},
                                                 {"final_fraction", 0.1},
                                                 {"weight_decay", 0.05},
                                                 {"clip", 0.5},
                                                 {"ema", 0.0}});
    engine_ = SmallLearner(layout, policy, trainer);

    // padding holds numbers that must not matter
    batch_.size = 3;
    for (const ColumnLayout& column : layout.columns) {
      batch_.columns.emplace_back().name = column.info.name;
    }
    // the reference counts pixels sample by sample, camera by camera
    for (int64_t i = 0; i < 3 * 2 * 20 * 24 * 3; ++i) {
      const size_t camera = static_cast<size_t>(i / (20 * 24 * 3) % 2);
      batch_.columns[camera].pixels.push_back(static_cast<uint8_t>((i * 37 + i * i % 101) % 256));
    }
    batch_[kStateColumn].numbers = Wave("state", 3 * 5, 1);
    batch_[kActionColumn].numbers = Wave("actions", 3 * 4 * 7, 0.8);
    batch_[kActionColumn].real_BT = {1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 0};
    batch_[kInstructionColumn].tokens = {2, 5, 7, 0, 0, 2, 8, 1, 3, 4, 2, 5, 7, 0, 0};
    batch_.embodiment_B = {0, 1, 0};
    batch_.sample_B = {1, 2, 3};
    std::vector<float>& objects_BO = batch_[kObjectsColumn].numbers;
    objects_BO = Wave("objects", 3 * 10, 0.9);
    for (size_t o = 0; o < 5; ++o) objects_BO[10 + o] = std::nanf("");
    draws_.draws = 2;
    draws_.noise_BDTA = Wave("noise", 3 * 2 * 4 * 7, 1.5);
    draws_.time_BD = {0.0f, 0.25f, 0.5f, 0.7f, 0.9f, 0.998f};
    draws_.hide_state_B = {0, 0, 1};

    // every weight that learns is a closed form, those of the object head too
    TensorMap weights = engine_.Differentiate(batch_, draws_).gradients;
    for (auto& [name, blob] : weights) {
      const std::vector<float> values = Wave(name, blob.data.size() / sizeof(float), 0.25);
      std::memcpy(blob.data.data(), values.data(), blob.data.size());
    }
    engine_->SetWeights(weights);
    const std::string source = UNDERSTUDY_SOURCE_DIR;
    expected_ = LoadJson(source + "/tests/golden/policy_reference.json");
  }

  SmallLearner engine_{SmallLayout(10), SmallPolicy(), SmallTrainer()};
  Batch batch_;
  FlowDraws draws_;
  Json expected_;
};

TEST_F(GrootReference, LossVelocityAndGradients) {
  const Differentiated pass = engine_.Differentiate(batch_, draws_);
  const double loss = expected_["loss"];
  EXPECT_NEAR(pass.loss, loss, 1e-4 * loss);

  // one list of real steps per sample and draw
  const Json& velocity = expected_["velocity"];
  ASSERT_EQ(velocity.size(), 6u);
  for (size_t i = 0; i < velocity.size(); ++i) {
    const auto begin = pass.answer.begin() + static_cast<std::ptrdiff_t>(i * 28);
    ExpectNear({begin, begin + 28}, velocity[i].get<std::vector<double>>(),
               "velocity of chunk " + std::to_string(i));
  }
  for (const auto& [name, values] : expected_["gradients"].items()) {
    ExpectNear(FloatsOf(pass.gradients.at(name)), values.get<std::vector<double>>(), name);
  }
}

TEST_F(GrootReference, UpdatesOfAdamW) {
  for (const double expected : expected_["losses"].get<std::vector<double>>()) {
    engine_.UpdateWith(batch_, draws_);
    EXPECT_NEAR(engine_->TakeLosses().loss, expected, 1e-4 * expected);
  }
  const TensorMap after = engine_->ExportState();
  for (const auto& [name, values] : expected_["weights_after"].items()) {
    ExpectNear(FloatsOf(after.at("weights/" + name)), values.get<std::vector<double>>(), name);
  }
}

TEST_F(GrootReference, GradientNormIsThatOfAllWeights) {
  engine_.UpdateWith(batch_, draws_);
  const double expected = expected_["gradient_norm"];
  EXPECT_NEAR(engine_->TakeLosses().gradient_norm, expected, 1e-4 * expected);
}

TEST_F(GrootReference, ActionsOfFourEulerSteps) {
  Json config = engine_->PolicyConfig();
  const auto model = MakeGrootChunkModel(SmallLayout(), config, engine_->ExportPolicy());
  std::vector<float> noise;
  for (size_t b = 0; b < 3; ++b) {
    const auto begin = draws_.noise_BDTA.begin() + static_cast<std::ptrdiff_t>(b * 56);
    noise.insert(noise.end(), begin, begin + 28);
  }
  const std::vector<float> actions = model->PredictFrom(batch_, noise);
  for (size_t b = 0; b < 3; ++b) {
    const auto begin = actions.begin() + static_cast<std::ptrdiff_t>(b * 28);
    ExpectNear({begin, begin + 28}, expected_["chunks"][b].get<std::vector<double>>(), "chunk");
  }
}

}  // namespace
}  // namespace understudy
