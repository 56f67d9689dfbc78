#include "core/spec/reset_bins.h"

#include <algorithm>

#include "core/base/error.h"

namespace understudy {
namespace {

int Bin(double value, const std::array<double, 2>& range, int bins) {
  if (bins == 1) return 0;
  const double share = (value - range[0]) / (range[1] - range[0]);
  // clamped before it is a whole number: files hold any pose
  return static_cast<int>(std::clamp(share * bins, 0.0, bins - 1.0));
}

}  // namespace

ResetBins::ResetBins(const ResetVariant& variant, const std::string& object, int bins) {
  const PlacementRange* range = PlacementOf(variant, object);
  Require(range != nullptr, "bins are of an object that is placed");
  for (size_t end = 0; end < 2; ++end) {
    x[end] = variant.origin.x() + range->x[end];
    y[end] = variant.origin.y() + range->y[end];
  }
  bins_x = x[1] > x[0] ? bins : 1;
  bins_y = y[1] > y[0] ? bins : 1;
}

size_t ResetBins::BinOf(const Pose& X_WO) const {
  const Eigen::Vector3d& p_WO = X_WO.translation();
  return static_cast<size_t>(Bin(p_WO.y(), y, bins_y) * bins_x + Bin(p_WO.x(), x, bins_x));
}

}  // namespace understudy
