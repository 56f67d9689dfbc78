#include "mimic/run/balance.h"

#include <algorithm>
#include <cmath>

namespace understudy {

Balance::Balance(const ResetVariant& variant, const std::vector<std::string>& objects, int bins,
                 double share, int64_t wanted) {
  if (share <= 0) return;
  for (size_t i = 0; i < objects.size(); ++i) {
    if (PlacementOf(variant, objects[i]) == nullptr) continue;
    Grid grid{ResetBins(variant, objects[i], bins), i, 0, {}};
    const size_t count = grid.bins.count();
    if (count == 1) continue;
    grid.most = static_cast<int64_t>(
        std::ceil(share * static_cast<double>(wanted) / static_cast<double>(count)));
    grid.kept.assign(count, 0);
    grids_.push_back(std::move(grid));
  }
}

bool Balance::HasRoom(const std::vector<Pose>& X_WO_start) const {
  return std::all_of(grids_.begin(), grids_.end(), [&](const Grid& grid) {
    return grid.kept[grid.BinOf(X_WO_start)] < grid.most;
  });
}

bool Balance::Keep(const std::vector<Pose>& X_WO_start) {
  if (!HasRoom(X_WO_start)) return false;
  for (Grid& grid : grids_) ++grid.kept[grid.BinOf(X_WO_start)];
  return true;
}

}  // namespace understudy
