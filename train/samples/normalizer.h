#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/base/options.h"

namespace understudy {

enum class NormalizerMode { kMinMax, kQuantile, kMeanStd, kNone };
template <>
struct EnumNames<NormalizerMode> {
  static constexpr std::array kNames{"min_max", "quantile", "mean_std", "none"};
};

// How statistics become a map.
struct NormalizerRules {
  NormalizerMode mode = NormalizerMode::kMinMax;
  double range_floor = 1e-3;                           // see Normalizer
  double clip = 0;                                     // likewise
  std::map<std::string, NormalizerMode> by_name = {};  // instead of `mode`, by pattern
};

// Per-dimension statistics of a training set and the map that they give: min_max takes [min, max]
// to [-1, 1], quantile takes [q01, q99] there, mean_std takes mean to 0 and a standard deviation to
// 1, none leaves numbers as they are. Without `clip` Decode undoes Encode.
struct Normalizer {
  NormalizerMode mode = NormalizerMode::kMinMax;
  std::vector<NormalizerMode> modes;
  double clip = 0;  // encoded values are put into [-clip, clip]; 0: they are not
  // Ranges (or deviations) below this are widened to it, in the units of the dimension: an idle
  // dimension must not blow up noise.
  double range_floor = 1e-3;
  std::vector<double> min, max, mean, std, q01, q99;
  int64_t count = 0;
  static constexpr std::array kUnwritten{"modes", "clip"};

  template <class V>
  void Visit(V& v) {
    v("mode", mode, "what is mapped to [-1, 1]");
    v("modes", modes, "per dimension; empty: all have `mode`");
    v("clip", clip, "largest encoded value; 0: any", Limits{0, 1e6});
    v("range_floor", range_floor, "least range", Limits{1e-12, 1e6});
    v("min", min, "per dimension");
    v("max", max, "per dimension");
    v("mean", mean, "per dimension");
    v("std", std, "per dimension");
    v("q01", q01, "1 % quantile");
    v("q99", q99, "99 % quantile");
    v("count", count, "vectors seen");
  }

  int size() const { return static_cast<int>(min.size()); }
  NormalizerMode ModeOf(size_t dimension) const { return modes.empty() ? mode : modes[dimension]; }
  // In place; `values` holds whole vectors one after the other.
  void Encode(std::span<float> values) const;
  void Decode(std::span<float> values) const;
  // Puts encoded values back to where training never left: [-1, 1] for min_max, [-clip, clip] where
  // it clipped.
  void Clamp(std::span<float> encoded) const;
  // Adds the dimensions of `other` behind these; an empty one becomes `other`. Requires one mode
  // and floor.
  void Append(const Normalizer& other);
  // What is scaled: the range of a dimension, or its deviation.
  double Range(size_t dimension) const;
  // Dimensions whose range is below the floor.
  std::vector<int> Floored() const;
  // What is wrong with one read from a file for vectors of `size`; empty: fine.
  std::vector<std::string> Problems(int size) const;
};

// Gathers statistics in one pass. min, max, mean and std are exact; quantiles are exact up to
// `kept` vectors and from every 2^n-th vector beyond, so that memory is bounded and results repeat.
class StatisticsBuilder {
 public:
  explicit StatisticsBuilder(int size, size_t kept = 1 << 17);
  void Add(const float* vector);
  // Requires at least one vector. `names` of the dimensions, for rules that are by name.
  Normalizer Build(const NormalizerRules& rules, const std::vector<std::string>& names = {}) const;

 private:
  int size_;
  size_t kept_;
  int64_t count_ = 0, stride_ = 1;
  std::vector<double> min_, max_, mean_, squares_;
  std::vector<float> sample_;
};

}  // namespace understudy
