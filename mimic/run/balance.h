#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/geometry/pose.h"
#include "core/spec/reset_bins.h"
#include "core/spec/task_spec.h"

namespace understudy {

// What the record of a success says that was not kept for balance's sake.
inline constexpr const char* kSurplus = "surplus";

// Keeps the starts of a dataset even over the reset space: success-only acceptance prefers where
// the task is easy (Mandlekar et al., "MimicGen", CoRL 2023, appendix on the bias of initial
// states). Every object whose start varies has equal bins over its range; a success is kept where
// none of its objects' bins is full. Depends on the successes offered, in their order, alone.
class Balance {
 public:
  // `bins` per axis; `share`: times its even share of `wanted` episodes that a bin may hold; 0:
  // everything is kept.
  Balance(const ResetVariant& variant, const std::vector<std::string>& objects, int bins,
          double share, int64_t wanted);

  // Whether a success that began so is kept; what is kept counts.
  bool Keep(const std::vector<Pose>& X_WO_start);
  // The same, but nothing is counted.
  bool HasRoom(const std::vector<Pose>& X_WO_start) const;

 private:
  struct Grid {
    ResetBins bins;
    size_t object = 0;
    int64_t most = 0;  // of each bin
    std::vector<int64_t> kept;
    size_t BinOf(const std::vector<Pose>& X_WO_start) const {
      return bins.BinOf(X_WO_start[object]);
    }
  };
  std::vector<Grid> grids_;
};

}  // namespace understudy
