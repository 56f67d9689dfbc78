#pragma once

#include <vector>

#include "data/formats/lerobot/feature_statistics.h"

namespace understudy {

// Statistics of one feature of one episode or of all, and the shape that its numbers have.
struct ShapedStatistics {
  FeatureStatistics values;
  std::vector<int> dims;
};

// Of pictures, from those of the episodes: as LeRobot takes them together.
class PictureTotals {
 public:
  void Add(const ShapedStatistics& episode);
  // Requires an episode.
  ShapedStatistics Result() const;

 private:
  FeatureStatistics total_;
  std::vector<int> dims_;
  std::vector<FeatureStatistics> parts_;
  double count_ = 0;
};

}  // namespace understudy
