#include "data/formats/lerobot/feature_statistics.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/base/statistics.h"

namespace understudy {
namespace {

constexpr size_t kKept = size_t{1} << 17;

double Deviation(double sum, double squares, double count) {
  const double mean = sum / count;
  return std::sqrt(std::max(0.0, squares / count - mean * mean));
}

// Numbers in lists within lists.
Json Nested(const std::vector<double>& values, const std::vector<int>& dims) {
  Json json = values;
  for (size_t d = dims.size(); d-- > 1;) {
    Json outer = Json::array();
    for (size_t i = 0; i < json.size(); i += static_cast<size_t>(dims[d])) {
      Json inner = Json::array();
      for (size_t k = i; k < i + static_cast<size_t>(dims[d]); ++k) inner.push_back(json[k]);
      outer.push_back(std::move(inner));
    }
    json = std::move(outer);
  }
  return json;
}

}  // namespace

std::vector<std::pair<const char*, std::vector<double>>> NamedStatistics(
    const FeatureStatistics& s) {
  return {{"min", s.min}, {"max", s.max}, {"mean", s.mean}, {"std", s.std}, {"q01", s.q01},
          {"q10", s.q10}, {"q50", s.q50}, {"q90", s.q90},   {"q99", s.q99}};
}

Json StatisticsJson(const FeatureStatistics& statistics, const std::vector<int>& dims) {
  Json json = Json::object();
  for (const auto& [name, values] : NamedStatistics(statistics)) {
    if (!values.empty()) json[name] = Nested(values, dims);
  }
  json["count"] = {statistics.count};
  return json;
}

VectorStatistics::VectorStatistics(int size, bool quantiles)
    : size_(static_cast<size_t>(size)),
      quantiles_(quantiles),
      min_(size_, std::numeric_limits<double>::infinity()),
      max_(size_, -std::numeric_limits<double>::infinity()),
      sum_(size_),
      squares_(size_),
      kept_(size_) {}

void VectorStatistics::Add(const std::vector<double>& vector) {
  Require(vector.size() == size_, "vectors of one size");
  const bool keep = quantiles_ && count_ % stride_ == 0;
  for (size_t i = 0; i < size_; ++i) {
    min_[i] = std::min(min_[i], vector[i]);
    max_[i] = std::max(max_[i], vector[i]);
    sum_[i] += vector[i];
    squares_[i] += vector[i] * vector[i];
    if (keep) kept_[i].push_back(vector[i]);
  }
  ++count_;
  if (size_ == 0 || kept_[0].size() < kKept) return;
  // half of what is kept goes, and half as often something is kept
  stride_ *= 2;
  for (std::vector<double>& values : kept_) {
    for (size_t i = 0; 2 * i < values.size(); ++i) values[i] = values[2 * i];
    values.resize((values.size() + 1) / 2);
  }
}

FeatureStatistics VectorStatistics::Result() const {
  Require(count_ > 0, "statistics of something");
  FeatureStatistics result;
  result.count = count_;
  result.min = min_;
  result.max = max_;
  const double count = static_cast<double>(count_);
  for (size_t i = 0; i < size_; ++i) {
    result.mean.push_back(sum_[i] / count);
    result.std.push_back(Deviation(sum_[i], squares_[i], count));
    if (!quantiles_) continue;
    result.q01.push_back(Quantile(kept_[i], 0.01));
    result.q10.push_back(Quantile(kept_[i], 0.10));
    result.q50.push_back(Quantile(kept_[i], 0.50));
    result.q90.push_back(Quantile(kept_[i], 0.90));
    result.q99.push_back(Quantile(kept_[i], 0.99));
  }
  return result;
}

void ImageStatistics::Add(const Image& image) {
  for (size_t i = 0; i < image.rgb.size(); ++i) ++histogram_[i % 3][image.rgb[i]];
  ++pictures_;
}

FeatureStatistics ImageStatistics::Result() const {
  Require(pictures_ > 0, "statistics of something");
  FeatureStatistics result;
  result.count = pictures_;
  for (const std::array<int64_t, 256>& colour : histogram_) {
    double sum = 0, squares = 0;
    int64_t pixels = 0;
    int low = -1, high = 0;
    for (int value = 0; value < 256; ++value) {
      const int64_t times = colour[static_cast<size_t>(value)];
      if (times == 0) continue;
      const double x = value / 255.0;
      sum += x * static_cast<double>(times);
      squares += x * x * static_cast<double>(times);
      pixels += times;
      if (low < 0) low = value;
      high = value;
    }
    // the value of the pixel that stands at the share of the sorted row
    const auto quantile = [&](double share) {
      const auto wanted = static_cast<int64_t>(share * static_cast<double>(pixels - 1));
      int64_t passed = 0;
      int value = 0;
      while ((passed += colour[static_cast<size_t>(value)]) <= wanted) ++value;
      return value / 255.0;
    };
    result.min.push_back(std::max(0, low) / 255.0);
    result.max.push_back(high / 255.0);
    result.mean.push_back(sum / static_cast<double>(pixels));
    result.std.push_back(Deviation(sum, squares, static_cast<double>(pixels)));
    result.q01.push_back(quantile(0.01));
    result.q10.push_back(quantile(0.10));
    result.q50.push_back(quantile(0.50));
    result.q90.push_back(quantile(0.90));
    result.q99.push_back(quantile(0.99));
  }
  return result;
}

int64_t PictureStride(int64_t frames) {
  const double wanted = std::clamp(std::pow(static_cast<double>(frames), 0.75), 100.0, 10000.0);
  return std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(frames) / wanted));
}

}  // namespace understudy
