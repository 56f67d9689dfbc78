#include "train/samples/normalizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/error.h"
#include "core/base/glob.h"
#include "core/base/statistics.h"

namespace understudy {
namespace {

// x = center + half * y
struct Scale {
  double center = 0, half = 1;
};

Scale ScaleOf(const Normalizer& n, size_t d) {
  const double range = std::max(n.Range(d), n.range_floor);
  switch (n.ModeOf(d)) {
    case NormalizerMode::kMinMax:
      return {(n.min[d] + n.max[d]) / 2, range / 2};
    case NormalizerMode::kQuantile:
      return {(n.q01[d] + n.q99[d]) / 2, range / 2};
    case NormalizerMode::kMeanStd:
      return {n.mean[d], range};
    case NormalizerMode::kNone:
      return {};
  }
  return {};
}

}  // namespace

double Normalizer::Range(size_t d) const {
  switch (ModeOf(d)) {
    case NormalizerMode::kMinMax:
      return max[d] - min[d];
    case NormalizerMode::kQuantile:
      return q99[d] - q01[d];
    case NormalizerMode::kMeanStd:
      return std[d];
    case NormalizerMode::kNone:
      return std::numeric_limits<double>::infinity();  // nothing is scaled by it
  }
  return 0;
}

void Normalizer::Encode(std::span<float> values) const {
  const size_t dims = min.size();
  Require(dims > 0 && values.size() % dims == 0, "whole vectors are normalised");
  for (size_t d = 0; d < dims; ++d) {
    const Scale scale = ScaleOf(*this, d);
    for (size_t i = d; i < values.size(); i += dims) {
      const double encoded = (values[i] - scale.center) / scale.half;
      values[i] = static_cast<float>(clip > 0 ? std::clamp(encoded, -clip, clip) : encoded);
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
  const size_t dims = min.size();
  Require(dims > 0 && encoded.size() % dims == 0, "whole vectors are normalised");
  for (size_t d = 0; d < dims; ++d) {
    double most = clip;
    if (ModeOf(d) == NormalizerMode::kMinMax) most = clip > 0 ? std::min(clip, 1.0) : 1.0;
    if (most == 0) continue;
    const auto limit = static_cast<float>(most);
    for (size_t i = d; i < encoded.size(); i += dims) {
      encoded[i] = std::clamp(encoded[i], -limit, limit);
    }
  }
}

void Normalizer::Append(const Normalizer& other) {
  if (size() == 0) {
    *this = other;
    return;
  }
  Require(mode == other.mode && range_floor == other.range_floor && clip == other.clip &&
              modes.empty() == other.modes.empty(),
          "statistics of one kind");
  modes.insert(modes.end(), other.modes.begin(), other.modes.end());
  for (auto column : {&Normalizer::min, &Normalizer::max, &Normalizer::mean, &Normalizer::std,
                      &Normalizer::q01, &Normalizer::q99}) {
    (this->*column).insert((this->*column).end(), (other.*column).begin(), (other.*column).end());
  }
}

std::vector<int> Normalizer::Floored() const {
  std::vector<int> dims;
  for (size_t d = 0; d < min.size(); ++d) {
    if (Range(d) < range_floor) dims.push_back(static_cast<int>(d));
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
  if (!modes.empty() && static_cast<int>(modes.size()) != size) {
    problems.push_back(fmt::format("modes = {} entries: must be {}", modes.size(), size));
  }
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

Normalizer StatisticsBuilder::Build(const NormalizerRules& rules,
                                    const std::vector<std::string>& names) const {
  Require(count_ > 0, "statistics of nothing");
  Normalizer result;
  result.mode = rules.mode;
  result.range_floor = rules.range_floor;
  result.clip = rules.clip;
  if (!rules.by_name.empty()) {
    Require(names.size() == min_.size(), "a name for each dimension");
    // of several patterns the longest counts
    for (const std::string& name : names) {
      size_t longest = 0;
      NormalizerMode mode = rules.mode;
      for (const auto& [pattern, named] : rules.by_name) {
        if (pattern.size() < longest || !GlobMatch(pattern, name)) continue;
        longest = pattern.size();
        mode = named;
      }
      result.modes.push_back(mode);
    }
    // where no name matched, or all alike, nothing is written
    if (std::ranges::all_of(result.modes, [&](NormalizerMode m) { return m == rules.mode; })) {
      result.modes.clear();
    }
  }
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
