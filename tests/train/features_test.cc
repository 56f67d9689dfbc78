// Features of a backbone beside a dataset.

#include "train/samples/features.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "core/base/error.h"
#include "tests/train/training_fixture.h"
#include "train/samples/batch_source.h"
#include "train/tensors/safetensors.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr int kWidth = 3;

// Says episode, row, token and channel; exact in bfloat16's eight bits.
float FeatureAt(size_t episode, size_t row, int token, int channel) {
  return static_cast<float>(
      (episode * 31 + row * 7 + static_cast<size_t>(token) * 3 + static_cast<size_t>(channel)) %
      128);
}

TensorMap Features(size_t episode, size_t rows, int tokens) {
  TensorBlob features{"BF16", {static_cast<int64_t>(rows), tokens, kWidth}, {}};
  TensorBlob kinds{"U8", {static_cast<int64_t>(rows), tokens}, {}};
  for (size_t row = 0; row < rows; ++row) {
    for (int token = 0; token < tokens; ++token) {
      kinds.data.push_back(token % 2 == 0 ? kTextToken : kImageToken);
      for (int channel = 0; channel < kWidth; ++channel) {
        const float value = FeatureAt(episode, row, token, channel);
        uint8_t bytes[4];
        std::memcpy(bytes, &value, 4);
        features.data.insert(features.data.end(), {bytes[2], bytes[3]});
      }
    }
  }
  return {{"features", features}, {"kinds", kinds}};
}

class FeaturesTest : public testing::Test {
 protected:
  void Write(const std::string& episode, const TensorMap& tensors,
             const std::map<std::string, std::string>& made_by = {{"backbone", "b"}}) {
    WriteSafetensors(folder_ / (episode + ".safetensors"), tensors, made_by);
  }
  void ExpectRefused(const std::string& what) {
    EXPECT_THAT([&] { FeatureFolder(folder_).Open("demo_0", 4); },
                ThrowsMessage<Error>(HasSubstr(what)));
  }
  fs::path folder_ = FreshFolder("features");
};

TEST_F(FeaturesTest, RowsArePaddedInFront) {
  Write("demo_0", Features(0, 4, 2));
  Write("demo_1", Features(1, 2, 5));
  FeatureFolder folder(folder_);
  folder.Open("demo_0", 4);
  folder.Open("demo_1", 2);
  EXPECT_EQ(folder.tokens(), 5);
  EXPECT_EQ(folder.width(), kWidth);
  std::vector<float> features(5 * kWidth, -1), kinds(5, -1);
  folder.ReadFeatures(0, 3, 5, features.data());
  folder.ReadKinds(0, 3, 5, kinds.data());
  EXPECT_THAT(kinds, testing::ElementsAre(0, 0, 0, 1, 2));
  for (int token = 0; token < 5; ++token) {
    for (int channel = 0; channel < kWidth; ++channel) {
      const float expected = token < 3 ? 0 : FeatureAt(0, 3, token - 3, channel);
      EXPECT_EQ(features[static_cast<size_t>(token * kWidth + channel)], expected);
    }
  }
}

// A batch holds the features of its samples' rows, whatever their order.
TEST_F(FeaturesTest, BatchesHoldThoseOfTheirRows) {
  const auto set = ScriptedSet({3});
  auto features = std::make_shared<FeatureFolder>(folder_);
  for (size_t e = 0; e < 3; ++e) {
    TrainingEpisode& episode = set->episodes[e];
    const int tokens = 2 + static_cast<int>(e);
    episode.name = "demo_" + std::to_string(e);
    Write(episode.name, Features(e, episode.length, tokens));
    features->Open(episode.name, episode.length);
    episode.feature_file = e;
  }
  set->datasets[0].features = features;
  set->feature_tokens = features->tokens();
  set->feature_width = features->width();
  const std::vector<ColumnRequest> asked{
      {kFeaturesColumn}, {kFeatureKindsColumn}, {kActionColumn, ChunkOffsets(2)}};
  const std::vector<ColumnInfo> offered = ColumnsOf(*set, 4);
  const SampleLayout layout = LayoutOf(asked, offered);
  StatisticsBuilder statistics(set->embodiment.action_size());
  const std::vector<float> zero(static_cast<size_t>(set->embodiment.action_size()));
  statistics.Add(zero.data());
  BatchSource source(set, layout, {{kActionColumn, statistics.Build({})}}, Tokenizer(),
                     LoaderOptions(), {}, 16, 1);
  const auto rows = SampleRows(*set);
  std::set<size_t> seen;
  for (int i = 0; i < 4; ++i) {
    const Batch batch = source.Next();
    for (size_t b = 0; b < 16; ++b) {
      const auto [episode, row] = rows.at(batch.sample_B[b]);
      seen.insert(episode);
      const int tokens = 2 + static_cast<int>(episode), padding = 4 - tokens;
      for (int token = 0; token < 4; ++token) {
        const size_t at = b * 4 + static_cast<size_t>(token);
        const float kind = token < padding ? 0 : (token - padding) % 2 == 0 ? 1 : 2;
        EXPECT_EQ(batch[kFeatureKindsColumn].numbers[at], kind);
        if (token < padding) continue;
        EXPECT_EQ(batch[kFeaturesColumn].numbers[at * kWidth + 1],
                  FeatureAt(episode, row, token - padding, 1));
      }
    }
  }
  EXPECT_EQ(seen.size(), 3u);
}

TEST_F(FeaturesTest, WhatIsWrongIsNamed) {
  ExpectRefused("demo_0.safetensors: is missing");
  Write("demo_0", Features(0, 3, 2));
  ExpectRefused("3 rows, the episode has 4");
  TensorMap tensors = Features(0, 4, 2);
  tensors.erase("kinds");
  Write("demo_0", tensors);
  ExpectRefused("the tensors 'features' and 'kinds', and no others");
  tensors = Features(0, 4, 2);
  tensors["kinds"].shape = {2, 4};
  Write("demo_0", tensors);
  ExpectRefused("'kinds' is U8 [2, 4], U8 [4, 2] is wanted");
  tensors = Features(0, 4, 2);
  tensors["kinds"].data[5] = 0;
  Write("demo_0", tensors);
  ExpectRefused("row 2 has no token of an image");
  tensors["kinds"].data[5] = 7;
  Write("demo_0", tensors);
  ExpectRefused("row 2 has no token of an image");
  tensors = Features(0, 4, 3);
  tensors["kinds"].data[2] = 7;
  Write("demo_0", tensors);
  ExpectRefused("row 0: 'kinds' are 0 (nothing), 1 (text) and 2 (image)");
  tensors = Features(0, 4, 2);
  tensors["features"] = FloatTensor(std::vector<float>(8), {4, 2});
  Write("demo_0", tensors);
  ExpectRefused("'features' is F32 [4, 2]");
  std::ofstream(folder_ / "demo_0.safetensors") << "no tensors";
  ExpectRefused("demo_0.safetensors: not a sound safetensors file");

  // files that do not fit together
  Write("demo_0", Features(0, 4, 2));
  Write("demo_1", Features(1, 2, 2), {{"backbone", "other"}});
  FeatureFolder folder(folder_);
  folder.Open("demo_0", 4);
  EXPECT_THAT([&] { folder.Open("demo_1", 2); }, ThrowsMessage<Error>(HasSubstr("made by")));

  // numbers are looked at as they are read
  tensors = Features(0, 4, 2);
  tensors["features"].data[1] = 0x7f;
  tensors["features"].data[0] = 0x80;
  Write("demo_0", tensors);
  std::vector<float> out(6);
  EXPECT_THAT([&] { folder.ReadFeatures(0, 0, 2, out.data()); },
              ThrowsMessage<Error>(HasSubstr("row 0: a feature is not finite")));
}

TEST(WidenedFloats, AreThoseOfHalfPrecision) {
  // IEEE 754 binary16 and bfloat16: one, the largest, the least, a negative, infinity
  const auto widened = [](const std::string& dtype, std::vector<uint16_t> bits) {
    TensorBlob blob{dtype, {static_cast<int64_t>(bits.size())}, {}};
    blob.data.resize(2 * bits.size());
    std::memcpy(blob.data.data(), bits.data(), blob.data.size());
    return WidenedFloats(blob);
  };
  EXPECT_THAT(widened("F16", {0x3c00, 0x7bff, 0x0001, 0xc100, 0x7c00}),
              testing::ElementsAre(1.0f, 65504.0f, 0x1p-24f, -2.5f, HUGE_VALF));
  EXPECT_THAT(widened("BF16", {0x3f80, 0xc020, 0x7f80}),
              testing::ElementsAre(1.0f, -2.5f, HUGE_VALF));
}

}  // namespace
}  // namespace understudy
