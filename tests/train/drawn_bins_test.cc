// What was drawn beside success.
#include "train/evaluate/drawn_bins.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/rng.h"

namespace understudy {
namespace {

// 400 episodes: `place` decides, from 0.6 up; `other` and `word` are noise; `same` never differs;
// `seldom` is drawn in every fourth one.
std::vector<DrawnOutcome> Episodes(uint64_t seed) {
  std::vector<DrawnOutcome> episodes;
  for (uint64_t i = 0; i < 400; ++i) {
    Rng rng(RngKey{seed}.WithParent(i));
    const double place = rng.Uniform(-1, 1);
    DrawnOutcome episode;
    episode.drawn = {{"light", "key", "position", Json::array({rng.Uniform(), place})},
                     {"texture", "table", "pattern", rng.Uniform() < 0.5 ? "wood" : "noise"},
                     {"headlight", "", "active", rng.Uniform() < 0.5},
                     {"light", "key", "same", 3}};
    if (i % 4 == 0) episode.drawn.push_back({"light", "fill", "seldom", rng.Uniform()});
    episode.success = place < 0.6 && rng.Uniform() < 0.9;
    episodes.push_back(episode);
  }
  return episodes;
}

TEST(DrawnBins, ShowOnWhichValueSuccessDepends) {
  const std::vector<DrawnOutcome> episodes = Episodes(1);
  const std::vector<DrawnBins> rows = BinDrawn(episodes);
  ASSERT_EQ(rows.size(), 5u);
  EXPECT_EQ(rows[0].value, "light/key/position.1");
  EXPECT_LT(rows[0].p_holm, 1e-20);
  ASSERT_EQ(rows[0].bins.size(), 4u);
  int64_t successes = 0;
  for (size_t i = 0; i < 4; ++i) {
    const DrawnBin& bin = rows[0].bins[i];
    EXPECT_EQ(bin.episodes, 100);
    EXPECT_LE(bin.low, bin.high);
    if (i > 0) {
      EXPECT_GT(bin.low, rows[0].bins[i - 1].high);
    }
    successes += bin.successes;
    int64_t inside = 0;
    for (const DrawnOutcome& episode : episodes) {
      const double value = episode.drawn[0].value[1];
      inside += episode.success && value >= bin.low && value <= bin.high;
    }
    EXPECT_EQ(bin.successes, inside);
  }
  EXPECT_LT(rows[0].bins[3].successes, 50);
  EXPECT_GT(rows[0].bins[2].successes, 80);
  for (const DrawnBins& row : rows) {
    EXPECT_NE(row.value, "light/key/same");
    int64_t of_row = 0, all = 0;
    for (const DrawnBin& bin : row.bins) {
      of_row += bin.successes;
      all += bin.episodes;
    }
    if (row.value == "light/fill/seldom") {
      EXPECT_EQ(all, 100);
    } else {
      EXPECT_EQ(of_row, successes);
    }
    EXPECT_GE(row.p_holm, row.p_value);
    if (row.value == "texture/table/pattern") {
      EXPECT_EQ(row.bins[0].word, "noise");
      EXPECT_EQ(ToJson(row)["bins"][1]["word"], "wood");
    }
    // few different numbers are a bin each
    if (row.value == "headlight/active") {
      EXPECT_THAT(row.bins, testing::SizeIs(2));
    }
  }
}

// Values that decide nothing look so: p below 0.05 in a twentieth of all.
TEST(DrawnBins, ChanceIsNotTakenForAnEffect) {
  int all = 0, below = 0, corrected = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    for (const DrawnBins& row : BinDrawn(Episodes(seed))) {
      if (row.value == "light/key/position.1") continue;
      ++all;
      below += row.p_value < 0.05;
      corrected += row.p_holm < 0.05;
    }
  }
  EXPECT_EQ(all, 240);
  EXPECT_GE(below, 3);
  EXPECT_LE(below, 24);
  EXPECT_LE(corrected, 9);
}

TEST(DrawnBins, NothingDrawnIsNoTable) {
  EXPECT_THAT(BinDrawn({}), testing::IsEmpty());
  EXPECT_THAT(BinDrawn({{{}, true}, {{}, false}}), testing::IsEmpty());
  // where all succeed, nothing decides
  const std::vector<DrawnBins> rows =
      BinDrawn({{{{"light", "key", "x", 1}}, true}, {{{"light", "key", "x", 2}}, true}});
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].p_value, 1);
}

}  // namespace
}  // namespace understudy
