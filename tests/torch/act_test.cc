#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <numeric>

#include "small_act.h"
#include "train/tensors/safetensors.h"

namespace understudy {
namespace {

using testing::HasSubstr;

std::unique_ptr<Learner> MakeAct(const Json& policy = Json::object(),
                                 const Json& trainer = Json::object()) {
  return MakeActLearner(SmallActLayout(), SmallActPolicy(policy), SmallTrainer(trainer));
}

std::string RefusalOfAct(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Act, ReplicasGiveTheSameWeightsBitForBit) {
  for (const char* precision : {"float32", "bfloat16"}) {
    const auto after_two = [&](int threads) {
      const auto learner = MakeAct({}, {{"precision", precision}, {"threads", threads}});
      for (uint64_t i = 0; i < 2; ++i) learner->Update(SmallActBatch(5 * i, 5));
      return learner->ExportState();
    };
    const TensorMap one = after_two(1);
    for (const int threads : {2, 4}) {
      EXPECT_EQ(after_two(threads), one) << precision << ", " << threads << " threads";
    }
  }
}

// Padded steps count in what LeRobot divides by, and in nothing else.
TEST(Act, PaddedStepsCannotChangeAnything) {
  const auto learner = MakeAct();
  Batch batch = SmallActBatch(0, 6);
  const Differentiated before = learner->Differentiate(batch);
  BatchColumn& action = batch[kActionColumn];
  int padded = 0;
  for (size_t bt = 0; bt < action.real_BT.size(); ++bt) {
    if (action.real_BT[bt]) continue;
    ++padded;
    for (size_t a = 0; a < kActAction; ++a) action.numbers[bt * kActAction + a] = 50;
  }
  ASSERT_EQ(padded, 6);
  const Differentiated after = learner->Differentiate(batch);
  EXPECT_EQ(after.loss, before.loss);
  EXPECT_EQ(after.gradients, before.gradients);
  // a real step does: the comparison can fail
  action.numbers[0] += 1;
  EXPECT_NE(learner->Differentiate(batch).gradients, before.gradients);
}

TEST(Act, PartsAddUpToTheBatch) {
  const Batch batch = SmallActBatch(0, 7);
  const auto losses = [&](int parts) {
    const auto learner = MakeAct({}, {{"microbatches", parts}});
    learner->Update(batch);
    return learner->TakeLosses();
  };
  const LossReport whole = losses(1);
  for (const int parts : {2, 7}) {
    const LossReport other = losses(parts);
    EXPECT_NEAR(other.loss, whole.loss, 1e-5 * whole.loss);
    EXPECT_NEAR(other.gradient_norm, whole.gradient_norm, 1e-4 * whole.gradient_norm);
    for (size_t i = 0; i < 2; ++i) {
      EXPECT_NEAR(other.parts[i].second, whole.parts[i].second, 1e-5 * whole.loss);
    }
    for (size_t t = 0; t < kActHorizon; ++t) {
      EXPECT_NEAR(other.by_step[t], whole.by_step[t], 1e-5) << t;
    }
  }
}

TEST(Act, ResumedIsNeverStopped) {
  const auto straight = MakeAct();
  for (uint64_t i = 0; i < 2; ++i) straight->Update(SmallActBatch(4 * i, 4));
  const TensorMap state = straight->ExportState();
  const auto resumed = MakeAct();
  resumed->ImportState(state);
  for (uint64_t i = 2; i < 4; ++i) {
    straight->Update(SmallActBatch(4 * i, 4));
    resumed->Update(SmallActBatch(4 * i, 4));
  }
  EXPECT_EQ(resumed->ExportState(), straight->ExportState());
  EXPECT_NE(straight->ExportState(), state);
}

// Draws belong to a sample, wherever in a batch it stands.
TEST(Act, DrawsAreThoseOfTheSample) {
  const ActDraws draws = DrawAct(ReadActConfig({{"dropout", 0.1}}), 5);
  std::vector<uint8_t> keep(100001), other(100001);
  draws.dropout(7, 3, 2, keep);
  draws.dropout(7, 3, 2, other);
  EXPECT_EQ(keep, other);
  EXPECT_NEAR(std::accumulate(keep.begin(), keep.end(), 0), 90000, 300);
  for (const auto& [sample, update, place] :
       std::vector<std::tuple<uint64_t, int64_t, int>>{{8, 3, 2}, {7, 4, 2}, {7, 3, 3}}) {
    draws.dropout(sample, update, place, other);
    EXPECT_NE(keep, other);
  }
  std::vector<float> noise(32), more(32);
  draws.latent(7, 3, noise);
  draws.latent(7, 4, more);
  EXPECT_NE(noise, more);
}

TEST(Act, LearnsTenSamplesByHeart) {
  const auto learner = MakeAct({{"dropout", 0.0}, {"backbone_channels", 2}, {"kl_weight", 0.1}},
                               {{"steps", 250},
                                {"learning_rate", 3e-3},
                                {"warmup", 20},
                                {"weight_decay", 0.0},
                                {"clip", 10.0},
                                {"ema", 0.0},
                                {"microbatches", 1}});
  const Batch batch = SmallActBatch(0, 10);
  learner->Update(batch);
  const double first = learner->TakeLosses().parts[0].second;
  for (int i = 1; i < 250; ++i) learner->Update(batch);
  const auto model =
      MakeActChunkModel(SmallActLayout(), learner->PolicyConfig(), learner->ExportPolicy());
  const std::vector<float> actions = model->Predict(batch, std::vector<RngKey>(10));
  const BatchColumn& expected = batch[kActionColumn];
  double error = 0;
  for (size_t i = 0; i < actions.size(); ++i) {
    if (expected.real_BT[i / kActAction]) error += std::abs(actions[i] - expected.numbers[i]);
  }
  EXPECT_LT(error / static_cast<double>(actions.size()), 0.1 * first) << "at first " << first;
}

// What is no parameter in LeRobot stays as it is, decay and average or not.
TEST(Act, BatchNormsAndPositionsStayAsTheyAre) {
  const auto learner = MakeAct({}, {{"weight_decay", 0.5}, {"ema", 0.9}});
  const TensorMap before = learner->ExportPolicy();
  for (uint64_t i = 0; i < 3; ++i) learner->Update(SmallActBatch(4 * i, 4));
  const TensorMap after = learner->ExportPolicy();
  int constant = 0;
  for (const auto& [name, blob] : before) {
    const bool stays = name.find(".bn") != std::string::npos ||
                       name.find("downsample.1") != std::string::npos ||
                       name == "model.vae_encoder_pos_enc";
    EXPECT_EQ(after.at(name) == blob, stays) << name;
    constant += stays;
  }
  EXPECT_EQ(constant, 20 * 4 + 1);
}

TEST(Act, ThePolicyActsTheSameForEverySampleAlone) {
  const auto learner = MakeAct();
  learner->Update(SmallActBatch(0, 4));
  const auto model =
      MakeActChunkModel(SmallActLayout(), learner->PolicyConfig(), learner->ExportPolicy());
  const std::vector<float> together =
      model->Predict(SmallActBatch(0, 3), std::vector<RngKey>(3, RngKey{1}));
  for (size_t i = 0; i < 3; ++i) {
    const std::vector<float> alone = model->Predict(SmallActBatch(i, 1), {RngKey{i}});
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(),
                           together.begin() + static_cast<std::ptrdiff_t>(i * alone.size())))
        << i;
  }
}

TEST(Act, WithoutLatentThereIsNoEncoderOfActions) {
  const auto learner = MakeAct({{"use_vae", false}});
  learner->Update(SmallActBatch(0, 4));
  EXPECT_EQ(learner->TakeLosses().parts[1].second, 0);
  for (const auto& [name, blob] : learner->ExportPolicy()) {
    EXPECT_EQ(name.find("vae"), std::string::npos) << name;
  }
}

TEST(Act, StartsFromTorchvisionsWeights) {
  const std::filesystem::path file =
      std::filesystem::path(testing::TempDir()) / "resnet.safetensors";
  const std::string prefix = "model.backbone.";
  TensorMap given;
  for (const auto& [name, blob] : MakeAct({}, {{"seed", 9}})->ExportPolicy()) {
    if (name.starts_with(prefix)) given[name.substr(prefix.size())] = blob;
  }
  given["bn1.running_mean"] = FloatTensor({1, 2, 3, 4}, {4});
  given["fc.weight"] = FloatTensor({1, 2}, {2});  // the head is not needed
  WriteSafetensors(file, given);
  const Json policy{{"backbone_weights", file.string()}};
  const auto learner = MakeAct(policy);
  const TensorMap first = learner->ExportPolicy();
  for (const auto& [name, blob] : given) {
    if (name == "fc.weight") continue;
    EXPECT_EQ(first.at(prefix + name), blob) << name;
  }
  EXPECT_NE(first, MakeAct()->ExportPolicy());
  // what acts needs no file
  std::filesystem::remove(file);
  MakeActChunkModel(SmallActLayout(), learner->PolicyConfig(), first);

  given.erase("layer3.0.downsample.1.running_var");
  WriteSafetensors(file, given);
  EXPECT_THAT(RefusalOfAct([&] { MakeAct(policy); }),
              HasSubstr("tensor 'layer3.0.downsample.1.running_var' is missing"));
  given["layer3.0.downsample.1.running_var"] = FloatTensor({1}, {1});
  WriteSafetensors(file, given);
  EXPECT_THAT(RefusalOfAct([&] { MakeAct(policy); }),
              HasSubstr("running_var' is F32 [1], the policy needs F32 [16]"));
}

TEST(Act, WrongOptionsAreRefused) {
  EXPECT_THAT(RefusalOfAct([] {
                ReadActConfig({{"dim_model", 30}, {"image_std", {1, 0, 1}}});
              }),
              testing::AllOf(HasSubstr("dim_model = 30: must be a multiple of n_heads = 8"),
                             HasSubstr("must be a multiple of 4"),
                             HasSubstr("image_std = 0: must be above 0")));
  const ColumnOffer blind{{{kStateColumn, {3}}, {kActionColumn, {2}}}, 4};
  EXPECT_THAT(RefusalOfAct([&] { LayoutFor(ActPolicy(), ToJson(ActConfig()), blind); }),
              HasSubstr("the data have no pictures: render them by `understudy augment`"));
}

}  // namespace
}  // namespace understudy
