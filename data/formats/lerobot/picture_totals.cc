#include "data/formats/lerobot/picture_totals.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"

namespace understudy {

void PictureTotals::Add(const ShapedStatistics& episode) {
  const FeatureStatistics& s = episode.values;
  if (parts_.empty()) {
    total_ = s;
    dims_ = episode.dims;
  }
  parts_.push_back(s);
  count_ += static_cast<double>(s.count);
}

ShapedStatistics PictureTotals::Result() const {
  Require(!parts_.empty(), "statistics of something");
  FeatureStatistics all = total_;
  for (size_t i = 0; i < all.min.size(); ++i) {
    const auto mean = [&](auto member) {
      double sum = 0;
      for (const FeatureStatistics& s : parts_) {
        sum += (s.*member)[i] * static_cast<double>(s.count) / count_;
      }
      return sum;
    };
    all.mean[i] = mean(&FeatureStatistics::mean);
    double squares = 0;
    for (const FeatureStatistics& s : parts_) {
      all.min[i] = std::min(all.min[i], s.min[i]);
      all.max[i] = std::max(all.max[i], s.max[i]);
      const double off = s.mean[i] - all.mean[i];
      squares += (s.std[i] * s.std[i] + off * off) * static_cast<double>(s.count) / count_;
    }
    all.std[i] = std::sqrt(squares);
    for (const auto member :
         {&FeatureStatistics::q01, &FeatureStatistics::q10, &FeatureStatistics::q50,
          &FeatureStatistics::q90, &FeatureStatistics::q99}) {
      if (!(all.*member).empty()) (all.*member)[i] = mean(member);
    }
  }
  all.count = static_cast<int64_t>(count_);
  return {all, dims_};
}

}  // namespace understudy
