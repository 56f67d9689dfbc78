#include "train/samples/normalizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/base/rng.h"
#include "train/samples/tokenizer.h"

namespace understudy {
namespace {

constexpr NormalizerMode kModes[] = {NormalizerMode::kMinMax, NormalizerMode::kQuantile,
                                     NormalizerMode::kMeanStd};

Normalizer Example(NormalizerMode mode, int count = 2000) {
  StatisticsBuilder builder(4);
  Rng rng(RngKey{.seed = 7});
  for (int i = 0; i < count; ++i) {
    // wide, far from zero, idle, tiny
    const float v[4] = {static_cast<float>(rng.Normal() * 50),
                        static_cast<float>(1000 + rng.Uniform()), 0.25f,
                        static_cast<float>(rng.Uniform() * 1e-5)};
    builder.Add(v);
  }
  return builder.Build({mode, 1e-3});
}

TEST(Normalizer, ThereAndBackIsIdentity) {
  for (const NormalizerMode mode : kModes) {
    const Normalizer n = Example(mode);
    Rng rng(RngKey{.seed = 8});
    for (int i = 0; i < 200; ++i) {
      // outliers included: encoding never clips
      std::vector<float> v{static_cast<float>(rng.Normal() * 200),
                           static_cast<float>(1000 + rng.Uniform(-3, 3)),
                           static_cast<float>(rng.Normal()), static_cast<float>(rng.Normal())};
      std::vector<float> back = v;
      n.Encode(back);
      n.Decode(back);
      for (size_t d = 0; d < 4; ++d) EXPECT_NEAR(back[d], v[d], 1e-6 * (1 + std::abs(v[d])));
    }
  }
}

TEST(Normalizer, ModesMapTheirLandmarks) {
  Normalizer n = Example(NormalizerMode::kMinMax);
  std::vector<float> low{static_cast<float>(n.min[0]), 1000.5f, 0.25f, 0};
  n.Encode(low);
  EXPECT_NEAR(low[0], -1, 1e-6);
  EXPECT_EQ(low[2], 0);  // an idle dimension says nothing
  n.mode = NormalizerMode::kQuantile;
  std::vector<float> high{static_cast<float>(n.q99[0]), 1000.5f, 0.25f, 0};
  n.Encode(high);
  EXPECT_NEAR(high[0], 1, 1e-6);
  n.mode = NormalizerMode::kMeanStd;
  std::vector<float> one{static_cast<float>(n.mean[0] + n.std[0]), 1000.5f, 0.25f, 0};
  n.Encode(one);
  EXPECT_NEAR(one[0], 1, 1e-6);
}

TEST(Normalizer, FloorKeepsIdleDimensionsQuietAndReportsThem) {
  const Normalizer n = Example(NormalizerMode::kMinMax);
  EXPECT_THAT(n.Floored(), testing::ElementsAre(2, 3));
  std::vector<float> v{0, 1000.5f, 0.25001f, 1e-5f};
  n.Encode(v);
  EXPECT_LT(std::abs(v[2]), 0.03);
  EXPECT_LT(std::abs(v[3]), 0.03);
}

TEST(Normalizer, ClampPutsBackWhereTrainingWasOnly) {
  const Normalizer minmax = Example(NormalizerMode::kMinMax);
  std::vector<float> v{-3, 0.5f, 2, 1};
  minmax.Clamp(v);
  EXPECT_THAT(v, testing::ElementsAre(-1, 0.5f, 1, 1));
  std::vector<float> free{-3, 0.5f, 2, 1};
  Example(NormalizerMode::kMeanStd).Clamp(free);
  EXPECT_THAT(free, testing::ElementsAre(-3, 0.5f, 2, 1));
}

TEST(Normalizer, FileFormComesBackExactly) {
  const Normalizer n = Example(NormalizerMode::kQuantile);
  const Json json = Json::parse(ToJson(n).dump());
  const Normalizer back = FromJson<Normalizer>(json, "test");
  EXPECT_EQ(back.min, n.min);
  EXPECT_EQ(back.q99, n.q99);
  EXPECT_EQ(back.mode, n.mode);
  EXPECT_THAT(back.Problems(4), testing::IsEmpty());
  EXPECT_THAT(back.Problems(5), testing::Contains(testing::HasSubstr("must be 5")));
}

TEST(StatisticsBuilder, IsExactForSmallSets) {
  StatisticsBuilder builder(1);
  for (int i = 100; i >= 0; --i) {
    const float v = static_cast<float>(i);
    builder.Add(&v);
  }
  const Normalizer n = builder.Build({NormalizerMode::kMinMax, 1e-3});
  EXPECT_EQ(n.min[0], 0);
  EXPECT_EQ(n.max[0], 100);
  EXPECT_NEAR(n.mean[0], 50, 1e-12);
  EXPECT_NEAR(n.std[0], std::sqrt((101 * 101 - 1) / 12.0), 1e-9);
  EXPECT_NEAR(n.q01[0], 1, 1e-12);
  EXPECT_NEAR(n.q99[0], 99, 1e-12);
  EXPECT_EQ(n.count, 101);
}

// Far more vectors than are kept: extremes stay exact, quantiles near.
TEST(StatisticsBuilder, ThinsWithoutLosingTheShape) {
  StatisticsBuilder builder(1, 1000);
  Rng rng(RngKey{.seed = 9});
  float largest = 0;
  for (int i = 0; i < 50000; ++i) {
    const float v = static_cast<float>(rng.Uniform());
    largest = std::max(largest, v);
    builder.Add(&v);
  }
  const Normalizer n = builder.Build({NormalizerMode::kQuantile, 1e-3});
  EXPECT_EQ(n.max[0], largest);
  EXPECT_NEAR(n.q01[0], 0.01, 0.012);
  EXPECT_NEAR(n.q99[0], 0.99, 0.012);
}

TEST(Tokenizer, WordsAreLowerCaseWithoutPunctuation) {
  EXPECT_THAT(SplitWords("Stack the RED cube, on the green-cube!"),
              testing::ElementsAre("stack", "the", "red", "cube", "on", "the", "green", "cube"));
  EXPECT_THAT(SplitWords("don't  \t\n stop."), testing::ElementsAre("dont", "stop"));
  EXPECT_THAT(SplitWords("Tür öffnen"), testing::ElementsAre("tür", "öffnen"));
  EXPECT_THAT(SplitWords(" .,!? "), testing::IsEmpty());
}

TEST(Tokenizer, SeveralTasksShareOneVocabulary) {
  const Tokenizer t = MakeTokenizer({"stack the red cube", "lift the cube"});
  EXPECT_THAT(t.words, testing::ElementsAre("cube", "lift", "red", "stack", "the"));
  EXPECT_EQ(t.vocabulary(), 7);
  EXPECT_THAT(t.Encode("Stack the CUBE", 5), testing::ElementsAre(5, 6, 2, 0, 0));
  EXPECT_THAT(t.Encode("drop the cube", 3), testing::ElementsAre(1, 6, 2));
  const Tokenizer back = FromJson<Tokenizer>(ToJson(t), "test");
  EXPECT_EQ(back.words, t.words);
}

TEST(Tokenizer, TooLongAnInstructionIsRefused) {
  const Tokenizer t = MakeTokenizer({"a b c"});
  try {
    t.Encode("a b c", 2);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
    EXPECT_THAT(error.what(), testing::HasSubstr("'a b c' has 3 words: at most 2"));
  }
}

}  // namespace
}  // namespace understudy
