#include "train/samples/normalizer.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/error.h"
#include "core/base/statistics.h"

namespace understudy {
namespace {

// x = center + half * y
struct Scale {
  double center = 0, half = 1;
};

double Range(const Normalizer& n, size_t d) {
  switch (n.mode) {
    case NormalizerMode::kMinMax:
      return n.max[d] - n.min[d];
    case NormalizerMode::kQuantile:
      return n.q99[d] - n.q01[d];
    case NormalizerMode::kMeanStd:
      return n.std[d];
  }
  return 0;
}

Scale ScaleOf(const Normalizer& n, size_t d) {
  const double range = std::max(Range(n, d), n.range_floor);
  switch (n.mode) {
    case NormalizerMode::kMinMax:
      return {(n.min[d] + n.max[d]) / 2, range / 2};
    case NormalizerMode::kQuantile:
      return {(n.q01[d] + n.q99[d]) / 2, range / 2};
    case NormalizerMode::kMeanStd:
      return {n.mean[d], range};
  }
  return {};
}

}  // namespace

void Normalizer::Encode(std::span<float> values) const {
  const size_t dims = min.size();
  Require(dims > 0 && values.size() % dims == 0, "whole vectors are normalised");
  for (size_t d = 0; d < dims; ++d) {
    const Scale scale = ScaleOf(*this, d);
    for (size_t i = d; i < values.size(); i += dims) {
      values[i] = static_cast<float>((values[i] - scale.center) / scale.half);
    }
  }
}

void Normalizer::Decode(std::span<float> values) const {
  const size_t dims = min.size();
  Require(dims > 0 && values.size() % dims == 0, "whole vectors are normalised");
  for (size_t d = 0; d < dims; ++d) {
    const Scale scale = ScaleOf(*this, d);
    for (size_t i = d; i < values.size(); i += dims) {
      values[i] = static_cast<float>(scale.center + scale.half * values[i]);
    }
  }
}

void Normalizer::Clamp(std::span<float> encoded) const {
  if (mode != NormalizerMode::kMinMax) return;
  for (float& value : encoded) value = std::clamp(value, -1.0f, 1.0f);
}

void Normalizer::Append(const Normalizer& other) {
  if (size() == 0) {
    *this = other;
    return;
  }
  Require(mode == other.mode && range_floor == other.range_floor, "statistics of one kind");
  for (auto column : {&Normalizer::min, &Normalizer::max, &Normalizer::mean, &Normalizer::std,
                      &Normalizer::q01, &Normalizer::q99}) {
    (this->*column).insert((this->*column).end(), (other.*column).begin(), (other.*column).end());
  }
}

std::vector<int> Normalizer::Floored() const {
  std::vector<int> dims;
  for (size_t d = 0; d < min.size(); ++d) {
    if (Range(*this, d) < range_floor) dims.push_back(static_cast<int>(d));
  }
  return dims;
}

std::vector<std::string> Normalizer::Problems(int size) const {
  std::vector<std::string> problems;
  const auto check = [&](const char* name, const std::vector<double>& values) {
    if (static_cast<int>(values.size()) != size) {
      problems.push_back(fmt::format("{} = {} numbers: must be {}", name, values.size(), size));
    }
    for (const double value : values) {
      if (!std::isfinite(value)) problems.push_back(fmt::format("{}: must be finite", name));
    }
  };
  check("min", min);
  check("max", max);
  check("mean", mean);
  check("std", std);
  check("q01", q01);
  check("q99", q99);
  return problems;
}

StatisticsBuilder::StatisticsBuilder(int size, size_t kept)
    : size_(size),
      kept_(kept),
      min_(static_cast<size_t>(size), std::numeric_limits<double>::infinity()),
      max_(static_cast<size_t>(size), -std::numeric_limits<double>::infinity()),
      mean_(static_cast<size_t>(size)),
      squares_(static_cast<size_t>(size)) {
  Require(size > 0 && kept >= 2, "statistics need a size");
}

void StatisticsBuilder::Add(const float* vector) {
  const bool keep = count_ % stride_ == 0;
  ++count_;
  for (size_t d = 0; d < min_.size(); ++d) {
    const double value = vector[d];
    Require(std::isfinite(value), "training data must be finite");
    min_[d] = std::min(min_[d], value);
    max_[d] = std::max(max_[d], value);
    // Welford 1962: no cancellation however far the mean lies from 0
    const double delta = value - mean_[d];
    mean_[d] += delta / static_cast<double>(count_);
    squares_[d] += delta * (value - mean_[d]);
  }
  if (!keep) return;
  sample_.insert(sample_.end(), vector, vector + size_);
  // full: drop every other kept vector and keep half as many from now on
  const size_t width = min_.size();
  if (sample_.size() / width >= kept_) {
    size_t out = 0;
    for (size_t i = 0; i < sample_.size() / width; i += 2, ++out) {
      std::copy_n(sample_.begin() + static_cast<std::ptrdiff_t>(i * width), width,
                  sample_.begin() + static_cast<std::ptrdiff_t>(out * width));
    }
    sample_.resize(out * width);
    stride_ *= 2;
  }
}

Normalizer StatisticsBuilder::Build(NormalizerMode mode, double range_floor) const {
  Require(count_ > 0, "statistics of nothing");
  Normalizer result;
  result.mode = mode;
  result.range_floor = range_floor;
  result.count = count_;
  result.min = min_;
  result.max = max_;
  result.mean = mean_;
  const size_t width = min_.size();
  for (size_t d = 0; d < width; ++d) {
    result.std.push_back(std::sqrt(squares_[d] / static_cast<double>(count_)));
    std::vector<double> column;
    for (size_t i = d; i < sample_.size(); i += width) column.push_back(sample_[i]);
    result.q01.push_back(Quantile(column, 0.01));
    result.q99.push_back(Quantile(std::move(column), 0.99));
  }
  return result;
}

}  // namespace understudy
