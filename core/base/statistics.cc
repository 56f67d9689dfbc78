#include "core/base/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/error.h"

namespace understudy {

Interval WilsonInterval(int64_t successes, int64_t trials, double z) {
  Require(successes >= 0 && successes <= trials && z > 0, "0 <= successes <= trials");
  if (trials == 0) return {0, 1};
  const double n = static_cast<double>(trials), rate = static_cast<double>(successes) / n;
  const double shrink = 1 + z * z / n;
  const double center = (rate + z * z / (2 * n)) / shrink;
  const double half = z * std::sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) / shrink;
  // rounding must not push the interval off the ends that it touches exactly
  return {successes == 0 ? 0 : std::max(0.0, center - half),
          successes == trials ? 1 : std::min(1.0, center + half)};
}

double NormalQuantile(double probability) {
  Require(probability > 0 && probability < 1, "a probability between 0 and 1");
  double low = -40, high = 40;
  for (int i = 0; i < 200; ++i) {
    const double middle = (low + high) / 2;
    (std::erfc(-middle / std::sqrt(2.0)) / 2 < probability ? low : high) = middle;
  }
  return (low + high) / 2;
}

double McNemarExact(int64_t only_a, int64_t only_b) {
  Require(only_a >= 0 && only_b >= 0, "counts of pairs");
  const int64_t n = only_a + only_b, least = std::min(only_a, only_b);
  if (n == 0) return 1;
  // both tails of Binomial(n, 1/2), in logarithms: n may be thousands
  double tail = 0;
  for (int64_t i = 0; i <= least; ++i) {
    tail += std::exp(std::lgamma(n + 1.0) - std::lgamma(i + 1.0) - std::lgamma(n - i + 1.0) -
                     static_cast<double>(n) * std::log(2.0));
  }
  return std::min(1.0, 2 * tail);
}

Interval PairedDifferenceInterval(int64_t only_a, int64_t only_b, int64_t pairs, double z) {
  Require(only_a >= 0 && only_b >= 0 && only_a + only_b <= pairs, "counts of pairs");
  if (pairs == 0) return {-1, 1};
  // half a pair more in each of the four cells
  const double n = static_cast<double>(pairs) + 2, a = static_cast<double>(only_a) + 0.5,
               b = static_cast<double>(only_b) + 0.5;
  const double difference = (a - b) / n;
  const double half = z * std::sqrt((a + b) / n - difference * difference) / std::sqrt(n);
  return {std::max(-1.0, difference - half), std::min(1.0, difference + half)};
}

double ChiSquareTail(double value, int dof) {
  Require(value >= 0 && dof >= 1, "a chi-square variable");
  if (value == 0) return 1;
  // of one or two degrees, and a term for every two more (Abramowitz and Stegun 26.4.4, 26.4.5)
  const double half = value / 2;
  double tail = dof % 2 == 0 ? std::exp(-half) : std::erfc(std::sqrt(half));
  for (double power = dof % 2 == 0 ? 1 : 0.5; power < dof / 2.0; ++power) {
    tail += std::exp(power * std::log(half) - half - std::lgamma(power + 1));
  }
  return std::min(1.0, tail);
}

std::vector<double> HolmAdjusted(const std::vector<double>& p) {
  std::vector<size_t> order(p.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p[a] < p[b]; });
  std::vector<double> adjusted(p.size());
  double largest = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    const double left = static_cast<double>(order.size() - i);
    largest = std::max(largest, std::min(1.0, left * p[order[i]]));
    adjusted[order[i]] = largest;
  }
  return adjusted;
}

double Quantile(std::vector<double> values, double share) {
  Require(share >= 0 && share <= 1, "a quantile lies in [0, 1]");
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const double place = share * static_cast<double>(values.size() - 1);
  const size_t below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
}

void NumberSums::Add(std::span<const double> values, size_t width) {
  if (low.empty()) {
    low.assign(width, std::numeric_limits<double>::infinity());
    high.assign(width, -std::numeric_limits<double>::infinity());
    sum.assign(width, 0);
    squares.assign(width, 0);
  }
  if (width == 0 || width != low.size()) return;
  if (!std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); })) return;
  rows += static_cast<int64_t>(values.size() / width);
  for (size_t at = 0; at < values.size(); ++at) {
    const size_t i = at % width;
    const double v = values[at];
    low[i] = std::min(low[i], v);
    high[i] = std::max(high[i], v);
    sum[i] += v;
    squares[i] += v * v;
  }
}

void NumberSums::Add(const NumberSums& other) {
  if (other.rows == 0) return;
  if (rows == 0) {
    *this = other;
    return;
  }
  if (other.low.size() != low.size()) return;
  rows += other.rows;
  for (size_t i = 0; i < low.size(); ++i) {
    low[i] = std::min(low[i], other.low[i]);
    high[i] = std::max(high[i], other.high[i]);
    sum[i] += other.sum[i];
    squares[i] += other.squares[i];
  }
}

std::vector<double> OutlierScores(const std::vector<double>& values, double least) {
  const double median = Quantile(values, 0.5);
  std::vector<double> distances;
  for (const double value : values) distances.push_back(std::abs(value - median));
  const double deviation = std::max(least, Quantile(distances, 0.5));
  for (double& distance : distances) distance = deviation > 0 ? 0.6745 * distance / deviation : 0;
  return distances;
}

}  // namespace understudy
