#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "small_act.h"
#include "train/tensors/safetensors.h"

namespace understudy {
namespace {

// LeRobot's numbers are of single precision, as ours: `share` of the largest of them.
void ExpectLerobots(const std::vector<float>& got, const Json& expected, const std::string& what,
                    double share) {
  const auto numbers = expected.get<std::vector<double>>();
  ASSERT_GE(got.size(), numbers.size()) << what;
  double largest = 0;
  for (const double number : numbers) largest = std::max(largest, std::abs(number));
  ASSERT_GT(largest, 1e-4) << what << ": nothing to compare";
  for (size_t i = 0; i < numbers.size(); ++i) {
    ASSERT_NEAR(got[i], numbers[i], share * largest) << what << " [" << i << "]";
  }
}

// LeRobot's own class at closed forms: tests/golden/act_reference.py.
class ActReference : public testing::Test {
 protected:
  ActReference() {
    const Json policy = SmallActPolicy({{"backbone_channels", 64}});
    const TrainerOptions trainer = SmallTrainer({{"learning_rate", 1e-3},
                                                 {"warmup", 0},
                                                 {"final_fraction", 1.0},
                                                 {"weight_decay", 0.05},
                                                 {"beta2", 0.999},
                                                 {"clip", 10.0},
                                                 {"ema", 0.0},
                                                 {"microbatches", 1}});
    ActDraws draws;
    draws.latent = [](uint64_t sample, int64_t, std::span<float> noise) {
      const std::vector<float> all = Wave("noise", 3 * noise.size(), 1.5);
      std::copy_n(all.begin() + static_cast<std::ptrdiff_t>((sample - 1) * noise.size()),
                  noise.size(), noise.begin());
    };
    draws.dropout = [this](uint64_t sample, int64_t, int place, std::span<uint8_t> keep) {
      places_ = std::max(places_, place + 1);
      for (size_t i = 0; i < keep.size(); ++i) {
        keep[i] = (7 * i + i / 11 + 3 * static_cast<size_t>(place) + 5 * sample) % 4 != 0;
      }
    };
    learner_ = MakeActLearner(SmallActLayout(), policy, trainer, draws);

    batch_ = SmallActBatch(0, 3);
    for (size_t camera = 0; camera < 2; ++camera) batch_.columns[camera].pixels.clear();
    constexpr int64_t kPixels = kActHeight * kActWidth * 3;
    for (int64_t i = 0; i < 3 * 2 * kPixels; ++i) {
      batch_.columns[static_cast<size_t>(i / kPixels % 2)].pixels.push_back(
          static_cast<uint8_t>((i * 71 + i * i % 101) % 256));
    }
    batch_[kStateColumn].numbers = Wave("state", 3 * 5, 1);
    batch_[kActionColumn].numbers = Wave("actions", 3 * 6 * 3, 0.8);
    batch_[kActionColumn].real_BT = {1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 0};
    batch_.sample_B = {1, 2, 3};

    TensorMap weights = learner_->ExportPolicy();
    for (auto& [name, blob] : weights) {
      if (name == "model.vae_encoder_pos_enc") continue;
      const size_t count = blob.data.size() / sizeof(float);
      const bool matrix = blob.shape.size() > 1;
      const double fan_in = static_cast<double>(count) / static_cast<double>(blob.shape[0]);
      std::vector<float> values = Wave(name, count, matrix ? std::sqrt(2 / fan_in) : 0.25);
      if (!matrix && (name.ends_with("weight") || name.ends_with("running_var"))) {
        for (float& value : values) ++value;
      }
      std::memcpy(blob.data.data(), values.data(), blob.data.size());
    }
    learner_->SetWeights(weights);
    const std::string source = UNDERSTUDY_SOURCE_DIR;
    expected_ = LoadJson(source + "/tests/golden/act_reference.json");
  }

  int places_ = 0;
  std::unique_ptr<Learner> learner_;
  Batch batch_;
  Json expected_;
};

TEST_F(ActReference, ActionsAreThoseOfLerobot) {
  const auto model =
      MakeActChunkModel(SmallActLayout(), learner_->PolicyConfig(), learner_->ExportPolicy());
  const std::vector<float> actions = model->Predict(batch_, std::vector<RngKey>(3));
  ExpectLerobots(actions, expected_["actions"], "actions", 1e-5);
}

// With dropout at every place where LeRobot has it, and with padded steps.
TEST_F(ActReference, LossAndGradientsAreThoseOfLerobot) {
  const Differentiated pass = learner_->Differentiate(batch_);
  EXPECT_EQ(places_, expected_["dropout_places"]);
  const double loss = expected_["loss"];
  EXPECT_NEAR(pass.loss, loss, 1e-5 * loss);
  for (const auto& [name, values] : expected_["gradients"].items()) {
    ExpectLerobots(FloatsOf(pass.gradients.at("model." + name)), values, name, 1e-4);
  }
}

TEST_F(ActReference, UpdatesAreThoseOfLerobot) {
  const std::vector<double> losses = expected_["losses"];
  for (size_t i = 0; i < losses.size(); ++i) {
    learner_->Update(batch_);
    const LossReport report = learner_->TakeLosses();
    EXPECT_NEAR(report.loss, losses[i], 1e-4 * losses[i]);
    if (i > 0) continue;
    EXPECT_EQ(report.parts[0].first, "l1");
    EXPECT_NEAR(report.parts[0].second, expected_["l1"].get<double>(), 1e-5);
    EXPECT_EQ(report.parts[1].first, "kl");
    EXPECT_NEAR(report.parts[1].second, expected_["kl"].get<double>(), 1e-4);
    const double norm = expected_["gradient_norm"];
    EXPECT_NEAR(report.gradient_norm, norm, 1e-4 * norm);
  }
  const TensorMap after = learner_->ExportPolicy();
  for (const auto& [name, values] : expected_["weights_after"].items()) {
    ExpectLerobots(FloatsOf(after.at("model." + name)), values, name, 1e-4);
  }
}

}  // namespace
}  // namespace understudy
