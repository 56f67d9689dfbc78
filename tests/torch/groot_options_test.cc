// Options of the GR00T-style policy against torchvision, timm and PyTorch:
// tests/golden/groot_options_reference.py.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>

#include "small_policy.h"
#include "train/tensors/safetensors.h"

namespace understudy {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

// As the script's first_value.
std::vector<float> FirstValue(const std::string& name, const std::vector<int64_t>& shape) {
  size_t count = 1, fan_in = 1;
  for (size_t i = 0; i < shape.size(); ++i) {
    count *= static_cast<size_t>(shape[i]);
    if (i > 0) fan_in *= static_cast<size_t>(shape[i]);
  }
  const bool resnet = name.find(".resnet.") != std::string::npos;
  if (resnet && shape.size() == 4) {
    return Wave(name, count, 2 / std::sqrt(static_cast<double>(fan_in)));
  }
  std::vector<float> values = Wave(name, count, 0.25);
  const bool near_one =
      (resnet && shape.size() == 1 && name.ends_with("weight")) || name.ends_with("running_var");
  if (near_one) {
    for (float& value : values) value += 1;
  }
  return values;
}

TensorMap ClosedWeights(TensorMap weights) {
  for (auto& [name, blob] : weights) {
    const std::vector<float> values = FirstValue(name, blob.shape);
    std::memcpy(blob.data.data(), values.data(), blob.data.size());
  }
  return weights;
}

SampleLayout LayoutOfPictures(int height, int width) {
  SampleLayout layout = SmallLayout();
  for (size_t camera = 0; camera < 2; ++camera) {
    layout.columns[camera].info.shape = {height, width, 3};
  }
  return layout;
}

Json Changed(const Json& changes) {
  Json policy = SmallPolicy();
  policy.update(changes);
  return policy;
}

struct OptionCase {
  std::string name;
  Json policy;
  int height = 20, width = 24;
  double share = 1e-4;  // of the largest number
  std::vector<int> given_BD = {};
};

// Deep networks in single precision beside double.
const std::vector<OptionCase>& Cases() {
  static const Json vit{{"encoder", "vit"}, {"vit_patch", 4}, {"vit_width", 24},
                        {"vit_layers", 2},  {"vit_heads", 3}, {"shared_encoder", true}};
  static const std::vector<OptionCase> cases{
      {"resnet18", Changed({{"encoder", "resnet18"}, {"shared_encoder", true}}), 70, 66, 5e-4},
      {"frozen",
       Changed({{"encoder", "resnet18"}, {"shared_encoder", true}, {"norms", "frozen_batch"}}), 70,
       66, 5e-4},
      {"vit", Changed(vit)},
      {"resolution", Changed({{"resolution", {{"ha*", 15}}}})},
      {"two_actions", Changed({{"actions_per_token", 2}})},
      {"dropout", Changed({{"dropout", 0.25}})},
      {.name = "given",
       .policy = Changed({{"rtc_training_max_delay", 3}}),
       .given_BD = {1, 3, 0, 1, 2, 0}}};
  return cases;
}

Batch ClosedBatch(int height, int width) {
  Batch batch;
  batch.size = 3;
  for (const ColumnLayout& column : SmallLayout().columns) {
    batch.columns.emplace_back().name = column.info.name;
  }
  const int64_t pixels = int64_t{height} * width * 3;
  for (int64_t i = 0; i < 3 * 2 * pixels; ++i) {
    batch.columns[static_cast<size_t>(i / pixels % 2)].pixels.push_back(
        static_cast<uint8_t>((i * 37 + i * i % 101) % 256));
  }
  batch[kStateColumn].numbers = Wave("state", 3 * 5, 1);
  batch[kActionColumn].numbers = Wave("actions", 3 * 4 * 7, 0.8);
  batch[kActionColumn].real_BT = {1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 0};
  batch[kInstructionColumn].tokens = {2, 5, 7, 0, 0, 2, 8, 1, 3, 4, 2, 5, 7, 0, 0};
  batch.embodiment_B = {0, 1, 0};
  batch.sample_B = {1, 2, 3};
  return batch;
}

FlowDraws ClosedDraws() {
  FlowDraws draws;
  draws.draws = 2;
  draws.noise_BDTA = Wave("noise", 3 * 2 * 4 * 7, 1.5);
  draws.time_BD = {0.0f, 0.25f, 0.5f, 0.7f, 0.9f, 0.998f};
  draws.hide_state_B = {0, 0, 0};
  draws.keep = [](uint64_t sample, int64_t, int place, std::span<uint8_t> keep) {
    for (size_t i = 0; i < keep.size(); ++i) {
      keep[i] = (7 * i + i / 11 + 3 * static_cast<size_t>(place) + 5 * sample) % 4 != 0;
    }
  };
  return draws;
}

class GrootOptions : public testing::TestWithParam<size_t> {};

TEST_P(GrootOptions, AgreeWithAnotherImplementation) {
  const OptionCase& of = Cases()[GetParam()];
  const Json expected = LoadJson(std::string(UNDERSTUDY_SOURCE_DIR) +
                                 "/tests/golden/groot_options_reference.json")[of.name];
  const SampleLayout layout = LayoutOfPictures(of.height, of.width);
  SmallLearner learner(layout, of.policy, SmallTrainer());
  learner->SetWeights(ClosedWeights(learner->ExportPolicy()));
  const Batch batch = ClosedBatch(of.height, of.width);
  FlowDraws draws = ClosedDraws();
  draws.given_BD = of.given_BD;
  const Differentiated pass = learner.Differentiate(batch, draws);
  const double loss = expected["loss"];
  EXPECT_NEAR(pass.loss, loss, of.share * loss);
  const auto compare = [&](const std::vector<float>& got, const Json& numbers,
                           const std::string& what) {
    const auto wanted = numbers.get<std::vector<double>>();
    ASSERT_GE(got.size(), wanted.size()) << what;
    double largest = 0;
    for (const double number : wanted) largest = std::max(largest, std::abs(number));
    ASSERT_GT(largest, 1e-7) << what << ": nothing to compare";
    for (size_t i = 0; i < wanted.size(); ++i) {
      ASSERT_NEAR(got[i], wanted[i], of.share * largest) << what << " [" << i << "]";
    }
  };
  for (size_t i = 0; i < 6; ++i) {
    const auto begin = pass.answer.begin() + static_cast<std::ptrdiff_t>(i * 28);
    compare({begin, begin + 28}, expected["velocity"][i], "velocity of chunk " + std::to_string(i));
  }
  for (const auto& [name, values] : expected["gradients"].items()) {
    compare(FloatsOf(pass.gradients.at(name)), values, name);
  }

  // and it acts, without what serves training alone
  const auto model = MakeGrootChunkModel(layout, learner->PolicyConfig(), learner->ExportPolicy());
  const std::vector<float> chunk = model->Predict(batch, {RngKey{1}, RngKey{2}, RngKey{3}});
  EXPECT_EQ(chunk.size(), 3u * 28);
  for (const float number : chunk) EXPECT_TRUE(std::isfinite(number));
}

INSTANTIATE_TEST_SUITE_P(All, GrootOptions, testing::Range<size_t>(0, 7),
                         [](const auto& info) { return Cases()[info.param].name; });

// Options that are not used leave no trace in a policy's configuration.
TEST(GrootOptionsConfig, AreWrittenWhereTheyAreUsed) {
  const Json plain = ToJson(ReadGrootConfig(Json::object()));
  for (const char* name :
       {"encoder", "encoder_weights", "norms", "vit_patch", "image_mean", "resolution",
        "actions_per_token", "dropout", "rtc_training_max_delay"}) {
    EXPECT_FALSE(plain.contains(name)) << name;
  }
  const Json base = ToJson(ReadGrootConfig({{"size", "base"}}));
  EXPECT_EQ(base["width"], 768);
  EXPECT_EQ(ReadGrootConfig(base).trunk(), GrootEncoder::kResnet18);
  // what is chosen beside a preset stays chosen when it is read again
  const Json small = ToJson(ReadGrootConfig({{"size", "base"}, {"encoder", "small"}}));
  EXPECT_EQ(ReadGrootConfig(small).trunk(), GrootEncoder::kSmall);
  EXPECT_EQ(ReadGrootConfig(Json::object()).trunk(), GrootEncoder::kSmall);
}

TEST(GrootOptionsConfig, WhatDoesNotFitIsNamed) {
  const auto learn = [](const Json& changes) {
    return [changes] { SmallLearner(SmallLayout(), Changed(changes), SmallTrainer()); };
  };
  EXPECT_THAT(learn({{"actions_per_token", 3}}),
              ThrowsMessage<Error>(HasSubstr("actions_per_token = 3: the horizon of 4 is no "
                                             "multiple")));
  EXPECT_THAT(learn({{"resolution", {{"hnad", 10}}}}),
              ThrowsMessage<Error>(HasSubstr("resolution: no camera matches 'hnad'; there are "
                                             "images.front, images.hand")));
  EXPECT_THAT(learn({{"resolution", {{"*", 40}}}}),
              ThrowsMessage<Error>(HasSubstr("resolution: 40 px are more than the 20 that "
                                             "images.front has")));
  EXPECT_THAT(learn({{"rtc_training_max_delay", 4}}),
              ThrowsMessage<Error>(HasSubstr("rtc_training_max_delay = 4: a chunk has 4 actions")));
  EXPECT_THAT(learn({{"rtc_training_max_delay", 1}, {"actions_per_token", 2}}),
              ThrowsMessage<Error>(HasSubstr("rtc_training_max_delay = 1: each action is given by "
                                             "itself, and actions_per_token = 2")));
  EXPECT_THAT(learn({{"encoder", "vit"}}),
              ThrowsMessage<Error>(HasSubstr("encoder = vit: images.front is seen at 24x20, and "
                                             "sides must be multiples of vit_patch = 16")));
  EXPECT_THAT(learn({{"encoder", "vit"}, {"vit_heads", 5}}),
              ThrowsMessage<Error>(HasSubstr("vit_width = 192: must be a multiple of vit_heads = "
                                             "5")));
  EXPECT_THAT(learn({{"encoder_weights", "x.safetensors"}}),
              ThrowsMessage<Error>(HasSubstr("encoder_weights = x.safetensors: of resnet18 or vit, "
                                             "and the encoder is small")));
  EXPECT_THAT(learn({{"shared_encoder", true}, {"resolution", {{"hand", 10}}}}),
              ThrowsMessage<Error>(HasSubstr("images.front and images.hand are seen in different "
                                             "sizes")));
}

class EncoderFile : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) /
              ("encoder_" + std::to_string(::getpid()) + "_" +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
    file_ = folder_ / "weights.safetensors";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // The tensors of a network's first encoder under the names of a file, in closed form.
  TensorMap FileOf(const Json& policy, const std::string& prefix) const {
    SmallLearner learner(SmallLayout(), policy, SmallTrainer());
    TensorMap file;
    for (const auto& [name, blob] : ClosedWeights(learner->ExportPolicy())) {
      if (name.starts_with(prefix)) file[name.substr(prefix.size())] = blob;
    }
    return file;
  }
  std::filesystem::path folder_, file_;
};

TEST_F(EncoderFile, AResnetStartsFromTorchvisionsNames) {
  Json policy = Changed({{"encoder", "resnet18"}, {"norms", "frozen_batch"}});
  TensorMap file = FileOf(policy, "image.0.resnet.");
  file["fc.weight"] = FloatTensor({1}, {1});  // its head is left aside
  WriteSafetensors(file_, file);
  policy["encoder_weights"] = file_.string();
  policy.erase("norms");  // batch norms that stay as they are: the file's
  SmallLearner learner(SmallLayout(), policy, SmallTrainer());
  for (const char* camera : {"image.0.resnet.", "image.1.resnet."}) {
    for (const auto& [name, blob] : learner->ExportPolicy()) {
      if (name.starts_with(camera)) {
        EXPECT_EQ(blob, file.at(name.substr(std::strlen(camera)))) << name;
      }
    }
  }
  // convolutions learn, norms stay
  const Batch batch = SmallBatch(0, 4);
  learner->Update(batch);
  const TensorMap after = learner->ExportState();
  EXPECT_NE(after.at("weights/image.0.resnet.conv1.weight"), file.at("conv1.weight"));
  for (const char* stays : {"bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var"}) {
    EXPECT_EQ(after.at(std::string("weights/image.0.resnet.") + stays), file.at(stays)) << stays;
  }
  // what is trained needs no file to act
  std::filesystem::remove(file_);
  MakeGrootChunkModel(SmallLayout(), learner->PolicyConfig(), learner->ExportPolicy());

  file.erase("layer2.0.conv1.weight");
  WriteSafetensors(file_, file);
  EXPECT_THAT([&] { SmallLearner(SmallLayout(), policy, SmallTrainer()); },
              ThrowsMessage<Error>(AllOf(HasSubstr("policy: encoder_weights: "),
                                         HasSubstr("tensor 'layer2.0.conv1.weight' is missing: a "
                                                   "ResNet-18 with torchvision's names"))));
}

TEST_F(EncoderFile, AVitStartsFromTimmsNamesOnAGridOfItsOwn) {
  Json policy = Changed({{"encoder", "vit"},
                         {"vit_patch", 4},
                         {"vit_width", 6},
                         {"vit_layers", 1},
                         {"vit_heads", 2}});
  TensorMap file = FileOf(policy, "image.0.vit.");
  // learnt on pictures of 16x16: 4x4 cells and the class
  file["pos_embed"] = FloatTensor(Wave("pos_embed", 17 * 6, 1), {1, 17, 6});
  WriteSafetensors(file_, file);
  policy["encoder_weights"] = file_.string();
  policy["resolution"] = {{"hand", 10}};
  policy["vit_patch"] = 4;
  EXPECT_THAT([&] { SmallLearner(SmallLayout(), policy, SmallTrainer()); },
              ThrowsMessage<Error>(HasSubstr("images.hand is seen at 12x10")));
  policy["resolution"] = {{"hand", 8}};
  const Json expected = LoadJson(std::string(UNDERSTUDY_SOURCE_DIR) +
                                 "/tests/golden/groot_options_reference.json")["positions"];
  // 24x20 is a grid of 5x6; pictures of 10 px are no multiples of 4, those of 8 are
  EXPECT_THAT([&] { SmallLearner(SmallLayout(), policy, SmallTrainer()); },
              ThrowsMessage<Error>(HasSubstr("images.hand is seen at 10x8")));
  policy.erase("resolution");
  SmallLearner learner(SmallLayout(), policy, SmallTrainer());
  const TensorMap weights = learner->ExportPolicy();
  EXPECT_EQ(weights.at("image.1.vit.blocks.0.attn.qkv.weight"),
            file.at("blocks.0.attn.qkv.weight"));
  const std::vector<float> positions = FloatsOf(weights.at("image.0.vit.pos_embed"));
  const auto wanted = expected["5x6"].get<std::vector<double>>();
  ASSERT_EQ(positions.size(), wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(positions[i], wanted[i], 1e-5);

  // a grid that shrinks is smoothed
  SampleLayout layout = LayoutOfPictures(8, 12);
  SmallLearner small(layout, policy, SmallTrainer());
  const std::vector<float> fewer = FloatsOf(small->ExportPolicy().at("image.0.vit.pos_embed"));
  const auto smooth = expected["2x3"].get<std::vector<double>>();
  ASSERT_EQ(fewer.size(), smooth.size());
  for (size_t i = 0; i < smooth.size(); ++i) EXPECT_NEAR(fewer[i], smooth[i], 1e-5);

  file["pos_embed"] = FloatTensor(Wave("pos_embed", 16 * 6, 1), {1, 16, 6});
  WriteSafetensors(file_, file);
  EXPECT_THAT([&] { SmallLearner(SmallLayout(), policy, SmallTrainer()); },
              ThrowsMessage<Error>(HasSubstr("tensor 'pos_embed' is F32 [1, 16, 6], the policy "
                                             "needs F32 [1, 31, 6]")));
}

// Dropout is a function of update and sample: two replicas hide the same, and an update another.
TEST(GrootDropout, IsTheSameForAnyNumberOfReplicas) {
  SmallLearner one(SmallLayout(), Changed({{"dropout", 0.3}}), SmallTrainer()),
      two(SmallLayout(), Changed({{"dropout", 0.3}}), SmallTrainer({{"threads", 2}})),
      none(SmallLayout(), SmallPolicy(), SmallTrainer());
  for (uint64_t i = 0; i < 3; ++i) {
    for (SmallLearner* learner : {&one, &two, &none}) (*learner)->Update(SmallBatch(8 * i, 8));
  }
  EXPECT_EQ(one->ExportState(), two->ExportState());
  EXPECT_NE(one->ExportPolicy(), none->ExportPolicy());
}

// Of two actions in a token the padded one cannot change the other.
TEST(GrootTokens, PaddedStepsOfAPairAreNotSeen) {
  SmallLearner learner(SmallLayout(), Changed({{"actions_per_token", 2}}), SmallTrainer());
  Batch batch = ClosedBatch(20, 24);
  FlowDraws draws = ClosedDraws();
  const Differentiated before = learner.Differentiate(batch, draws);
  for (size_t i = 0; i < 7; ++i) {
    batch[kActionColumn].numbers[(2 * 4 + 3) * 7 + i] = 40;
    for (size_t d = 0; d < 2; ++d) draws.noise_BDTA[((2 * 2 + d) * 4 + 3) * 7 + i] = -9;
  }
  const Differentiated after = learner.Differentiate(batch, draws);
  EXPECT_EQ(after.loss, before.loss);
  EXPECT_EQ(after.gradients, before.gradients);
}

}  // namespace
}  // namespace understudy
