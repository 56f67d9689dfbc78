#pragma once

#include <array>
#include <string>

#include "core/geometry/pose.h"
#include "core/spec/task_spec.h"

namespace understudy {

// Equal bins over where an object may start: `bins` per axis of a variant's range, 1 where it is a
// point.
struct ResetBins {
  std::array<double, 2> x{}, y{};  // W, m: ends of the bins
  int bins_x = 1, bins_y = 1;

  ResetBins() = default;
  ResetBins(const ResetVariant& variant, const std::string& object, int bins);
  size_t count() const { return static_cast<size_t>(bins_x) * static_cast<size_t>(bins_y); }
  // bin of y * bins_x + bin of x; what starts outside counts for the nearest.
  size_t BinOf(const Pose& X_WO) const;
};

}  // namespace understudy
