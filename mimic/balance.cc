#include "mimic/balance.h"

#include <algorithm>
#include <cmath>

namespace understudy {
namespace {

int Bin(double value, const std::array<double, 2>& range, int bins) {
  if (bins == 1) return 0;
  const double share = (value - range[0]) / (range[1] - range[0]);
  return std::clamp(static_cast<int>(share * bins), 0, bins - 1);
}

}  // namespace

Balance::Balance(const ResetVariant& variant, const std::vector<std::string>& objects, int bins,
                 double share, int64_t wanted) {
  if (share <= 0) return;
  for (size_t i = 0; i < objects.size(); ++i) {
    const PlacementRange& range = variant.objects.at(objects[i]);
    Grid grid;
    grid.object = i;
    for (int end = 0; end < 2; ++end) {
      grid.x[end] = variant.origin.x() + range.x[end];
      grid.y[end] = variant.origin.y() + range.y[end];
    }
    grid.bins_x = range.x[1] > range.x[0] ? bins : 1;
    grid.bins_y = range.y[1] > range.y[0] ? bins : 1;
    const int count = grid.bins_x * grid.bins_y;
    if (count == 1) continue;
    grid.most = static_cast<int64_t>(std::ceil(share * static_cast<double>(wanted) / count));
    grid.kept.assign(static_cast<size_t>(count), 0);
    grids_.push_back(std::move(grid));
  }
}

int64_t& Balance::Grid::BinOf(const Pose& X_WO) {
  const Eigen::Vector3d& p_WO = X_WO.translation();
  return kept[static_cast<size_t>(Bin(p_WO.y(), y, bins_y) * bins_x + Bin(p_WO.x(), x, bins_x))];
}

bool Balance::Keep(const std::vector<Pose>& X_WO_start) {
  const bool room = std::all_of(grids_.begin(), grids_.end(), [&](Grid& grid) {
    return grid.BinOf(X_WO_start[grid.object]) < grid.most;
  });
  if (!room) return false;
  for (Grid& grid : grids_) ++grid.BinOf(X_WO_start[grid.object]);
  return true;
}

}  // namespace understudy
