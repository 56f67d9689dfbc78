#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/base/json.h"
#include "core/image/image.h"

namespace understudy {

// LeRobot's statistics of one feature: per number min, max, mean, std (of the population), count
// and the quantiles 1, 10, 50, 90, 99 %.
struct FeatureStatistics {
  std::vector<double> min, max, mean, std, q01, q10, q50, q90, q99;
  int64_t count = 0;
};

// "min", …, "q99" with their numbers, in LeRobot's order.
std::vector<std::pair<const char*, std::vector<double>>> NamedStatistics(
    const FeatureStatistics& statistics);
// Shape of the statistics of a picture: one number per colour.
inline const std::vector<int> kPictureDims{3, 1, 1};
// Numbers per row: beyond, a feature has no quantiles.
inline constexpr int kWidestQuantiles = 4096;
// {min: …, …, q99: …, count: [n]}, those that there are, in nested lists of shape `dims`.
Json StatisticsJson(const FeatureStatistics& statistics, const std::vector<int>& dims);

// Of vectors. Exact, quantiles too, up to 2^17 vectors; beyond, quantiles come from every 2^n-th.
class VectorStatistics {
 public:
  // Without quantiles memory does not grow; the result has none.
  explicit VectorStatistics(int size = 0, bool quantiles = true);
  void Add(const std::vector<double>& vector);
  FeatureStatistics Result() const;

 private:
  size_t size_;
  bool quantiles_;
  int64_t count_ = 0, stride_ = 1;
  std::vector<double> min_, max_, sum_, squares_;
  std::vector<std::vector<double>> kept_;  // per number
};

// Of pictures, per colour, in [0, 1]: exact from histograms of the 256 values.
class ImageStatistics {
 public:
  void Add(const Image& image);
  // `count` is the number of pictures.
  FeatureStatistics Result() const;

 private:
  std::array<std::array<int64_t, 256>, 3> histogram_{};
  int64_t pictures_ = 0;
};

// Every how many frames LeRobot looks at a picture, so that about frames^0.75, and at least 100 (or
// all) of them count.
int64_t PictureStride(int64_t frames);

}  // namespace understudy
