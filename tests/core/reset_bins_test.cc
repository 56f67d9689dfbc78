#include "core/spec/reset_bins.h"

#include <gtest/gtest.h>

namespace understudy {
namespace {

// Bins divide the range about the variant's origin, on each axis by that axis' own numbers.
TEST(ResetBins, DivideTheRangeAboutTheOrigin) {
  ResetVariant variant;
  variant.origin = {1, 20, 300};
  variant.objects["a"] = {.x = {-0.3, 0.3}, .y = {-0.6, 0.6}};
  variant.objects["b"] = {.x = {0.1, 0.1}, .y = {-0.6, 0.6}};
  const ResetBins bins(variant, "a", 3);
  EXPECT_EQ(bins.count(), 9u);
  EXPECT_DOUBLE_EQ(bins.x[0], 0.7);
  EXPECT_DOUBLE_EQ(bins.x[1], 1.3);
  EXPECT_DOUBLE_EQ(bins.y[0], 19.4);
  EXPECT_DOUBLE_EQ(bins.y[1], 20.6);
  const auto bin = [&](double x, double y) { return bins.BinOf(Pose::FromTranslation({x, y, 0})); };
  EXPECT_EQ(bin(0.8, 19.5), 0u);
  EXPECT_EQ(bin(1.2, 19.5), 2u);
  EXPECT_EQ(bin(1.0, 20.0), 4u);
  EXPECT_EQ(bin(0.8, 20.5), 6u);
  EXPECT_EQ(bin(5, 50), 8u) << "outside: the nearest";
  EXPECT_EQ(ResetBins(variant, "b", 3).count(), 3u) << "a point has one bin";
}

}  // namespace
}  // namespace understudy
