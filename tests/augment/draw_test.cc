// What randomizers share.
#include "augment/randomizers/draw.h"

#include <gtest/gtest.h>

#include <array>

namespace understudy {
namespace {

// The six corners of the hexagon, and what lies between them.
TEST(Colours, HueCountsTurnsFromRed) {
  const std::array<Eigen::Vector3d, 6> corners{{{1, 0, 0},
                                                {1, 1, 0},
                                                {0, 1, 0},  //
                                                {0, 1, 1},
                                                {0, 0, 1},
                                                {1, 0, 1}}};
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_TRUE(RgbToHsv(corners[i]).isApprox(Eigen::Vector3d(i / 6.0, 1, 1), 1e-12)) << i;
    const Eigen::Vector3d between = 0.5 * (corners[i] + corners[(i + 1) % 6]);
    EXPECT_NEAR(RgbToHsv(between)[0], (i + 0.5) / 6, 1e-12) << i;
  }
}

TEST(Colours, ThereAndBackIsTheSame) {
  Rng rng(RngKey{.seed = 4});
  for (int i = 0; i < 1000; ++i) {
    const Eigen::Vector3d rgb(rng.Uniform(), rng.Uniform(), rng.Uniform());
    EXPECT_LT((HsvToRgb(RgbToHsv(rgb)) - rgb).norm(), 1e-12);
  }
}

}  // namespace
}  // namespace understudy
