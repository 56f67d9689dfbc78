#include "core/base/statistics.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/base/error.h"

namespace understudy {
namespace {

// Values of Newcombe, Statistics in Medicine 1998, table I (method 3), and of the formula by hand.
TEST(WilsonInterval, KnownValues) {
  const Interval a = WilsonInterval(81, 263);
  EXPECT_NEAR(a.low, 0.2553, 5e-5);
  EXPECT_NEAR(a.high, 0.3662, 5e-5);
  const Interval b = WilsonInterval(15, 148);
  EXPECT_NEAR(b.low, 0.0624, 5e-5);
  EXPECT_NEAR(b.high, 0.1605, 5e-5);
  const Interval c = WilsonInterval(0, 20);
  EXPECT_EQ(c.low, 0);
  EXPECT_NEAR(c.high, 0.1611, 5e-5);
  const Interval d = WilsonInterval(1, 29);
  EXPECT_NEAR(d.low, 0.0061, 5e-5);
  EXPECT_NEAR(d.high, 0.1718, 5e-5);
}

TEST(WilsonInterval, HoldsTheRateAndMirrors) {
  for (int n = 1; n <= 40; ++n) {
    for (int k = 0; k <= n; ++k) {
      const Interval i = WilsonInterval(k, n), mirror = WilsonInterval(n - k, n);
      EXPECT_LE(i.low, static_cast<double>(k) / n);
      EXPECT_GE(i.high, static_cast<double>(k) / n);
      EXPECT_NEAR(i.low, 1 - mirror.high, 1e-12);
      EXPECT_LT(WilsonInterval(10 * k, 10 * n).high - WilsonInterval(10 * k, 10 * n).low,
                i.high - i.low);
    }
  }
  EXPECT_EQ(WilsonInterval(0, 0).low, 0);
  EXPECT_EQ(WilsonInterval(0, 0).high, 1);
}

// Values of tables, and of what it inverts.
TEST(NormalQuantile, KnownValues) {
  EXPECT_NEAR(NormalQuantile(0.975), 1.959963984540054, 1e-12);
  EXPECT_NEAR(NormalQuantile(0.5), 0, 1e-12);
  EXPECT_NEAR(NormalQuantile(0.995), 2.5758293035489004, 1e-12);
  EXPECT_NEAR(NormalQuantile(0.001), -3.090232306167813, 1e-12);
  for (const double p : {1e-9, 0.01, 0.3, 0.77}) {
    EXPECT_NEAR(NormalQuantile(p), -NormalQuantile(1 - p), 1e-6);
  }
}

TEST(McNemarExact, KnownValues) {
  // 2 * P(Binomial(n, 1/2) <= least), counted by hand
  EXPECT_NEAR(McNemarExact(0, 5), 2.0 / 32, 1e-12);
  EXPECT_NEAR(McNemarExact(1, 9), 2.0 * 11 / 1024, 1e-12);
  EXPECT_NEAR(McNemarExact(2, 8), 2.0 * 56 / 1024, 1e-12);
  EXPECT_EQ(McNemarExact(4, 4), 1);
  EXPECT_EQ(McNemarExact(0, 0), 1);
  EXPECT_EQ(McNemarExact(3, 12), McNemarExact(12, 3));
  // thousands of pairs neither overflow nor vanish
  EXPECT_NEAR(McNemarExact(4900, 5100), 0.0466, 5e-4);
}

TEST(Quantile, IsLinearBetweenNeighbours) {
  EXPECT_EQ(Quantile({3, 1, 2}, 0), 1);
  EXPECT_EQ(Quantile({3, 1, 2}, 1), 3);
  EXPECT_EQ(Quantile({3, 1, 2}, 0.5), 2);
  EXPECT_NEAR(Quantile({0, 10}, 0.25), 2.5, 1e-12);
  EXPECT_EQ(Quantile({}, 0.5), 0);
}

// Numbers by hand: median 3, distances 2 1 0 1 97, of which the median is 1.
TEST(OutlierScores, AreDistancesInMedianDistances) {
  const std::vector<double> scores = OutlierScores({1, 2, 3, 4, 100});
  const std::vector<double> wanted{2 * 0.6745, 0.6745, 0, 0.6745, 97 * 0.6745};
  ASSERT_EQ(scores.size(), wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) EXPECT_DOUBLE_EQ(scores[i], wanted[i]);
  // what is alike has no outliers, unless a least distance is told
  EXPECT_EQ(OutlierScores({5, 5, 5, 5, 9})[4], 0);
  EXPECT_DOUBLE_EQ(OutlierScores({5, 5, 5, 5, 9}, 0.5)[4], 0.6745 * 4 / 0.5);
  EXPECT_DOUBLE_EQ(OutlierScores({1, 2, 3, 4, 100}, 10)[4], 97 * 0.06745);
  EXPECT_TRUE(OutlierScores({}).empty());
}

// Worked by hand from Agresti and Min's formula.
TEST(Statistics, PairedDifference) {
  const Interval some = PairedDifferenceInterval(12, 9, 100);
  EXPECT_NEAR(some.low, -0.0605, 1e-4);
  EXPECT_NEAR(some.high, 0.1194, 1e-4);
  const Interval other = PairedDifferenceInterval(9, 12, 100);
  EXPECT_NEAR(other.low, -some.high, 1e-12);
  EXPECT_NEAR(other.high, -some.low, 1e-12);
  EXPECT_EQ(PairedDifferenceInterval(0, 0, 0).low, -1);
  EXPECT_EQ(PairedDifferenceInterval(5, 0, 5).high, 1);
  EXPECT_THROW(PairedDifferenceInterval(3, 3, 5), ContractError);
}

// The density integrated numerically (Simpson's rule in Python).
TEST(Statistics, ChiSquareTailIsTheIntegralOfTheDensity) {
  EXPECT_NEAR(ChiSquareTail(3.841458820694124, 1), 0.05, 1e-12);
  EXPECT_NEAR(ChiSquareTail(5.991464547107979, 2), 0.05, 1e-12);
  EXPECT_NEAR(ChiSquareTail(7.814727903251178, 3), 0.05, 1e-12);
  EXPECT_NEAR(ChiSquareTail(30, 10), 8.56641210775e-4, 1e-14);
  EXPECT_NEAR(ChiSquareTail(2.5, 7), 0.92709706501, 1e-10);
  EXPECT_NEAR(ChiSquareTail(40, 3), 1.06550903e-8, 1e-15);
  EXPECT_EQ(ChiSquareTail(0, 3), 1);
}

TEST(Statistics, HolmAdjusts) {
  const std::vector<double> adjusted = HolmAdjusted({0.01, 0.04, 0.03, 0.005});
  const std::vector<double> expected{0.03, 0.06, 0.06, 0.02};
  ASSERT_EQ(adjusted.size(), 4u);
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(adjusted[i], expected[i], 1e-12);
  EXPECT_EQ(HolmAdjusted({0.9, 0.8})[0], 1);
  EXPECT_TRUE(HolmAdjusted({}).empty());
}

}  // namespace
}  // namespace understudy
