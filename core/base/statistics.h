#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace understudy {

struct Interval {
  double low = 0, high = 1;
};

// Wilson's score interval of a success rate (Wilson, JASA 1927); `z` 1.96 covers 95 %. Without
// trials: [0, 1]. Requires 0 <= successes <= trials.
Interval WilsonInterval(int64_t successes, int64_t trials, double z = 1.959963984540054);

// The number below which a standard normal variable lies with this probability, in (0, 1).
double NormalQuantile(double probability);

// Two-sided exact p value of McNemar's test: pairs in which only a, or only b, succeeded, against a
// fair coin. 1 where no pair differs.
double McNemarExact(int64_t only_a, int64_t only_b);

// Difference (a - b) of two rates on `pairs` pairs, of which `only_a` and `only_b` differ: Agresti
// and Min's adjusted Wald interval (Statistics in Medicine 2005), within [-1, 1].
Interval PairedDifferenceInterval(int64_t only_a, int64_t only_b, int64_t pairs,
                                  double z = 1.959963984540054);

// Probability that a chi-square variable of `dof` >= 1 degrees of freedom exceeds `value` >= 0.
double ChiSquareTail(double value, int dof);

// p values of several tests so that all of them together err as seldom as one: Holm (Scandinavian
// Journal of Statistics 1979). In the order of `p`.
std::vector<double> HolmAdjusted(const std::vector<double>& p);

// The `share` (0 to 1) quantile, linear between neighbours; 0 for no values.
double Quantile(std::vector<double> values, double share);

// The least, the greatest, the sum and the sum of squares of every number of rows of one width.
struct NumberSums {
  std::vector<double> low, high, sum, squares;
  int64_t rows = 0;

  // Rows of `width` numbers, one after the other. They count nowhere if one number is not finite or
  // if earlier rows had another width.
  void Add(std::span<const double> values, size_t width);
  void Add(const NumberSums& other);
};

// How far each value lies from the median, in modified z-scores: 0.6745 times its distance over the
// median of all distances, which counts as at least `least`, since smaller differences are noise. 0
// for all where both are 0.
std::vector<double> OutlierScores(const std::vector<double>& values, double least = 0);
// Beyond this score a value is an outlier (Iglewicz and Hoaglin 1993).
inline constexpr double kOutlierScore = 3.5;

}  // namespace understudy
