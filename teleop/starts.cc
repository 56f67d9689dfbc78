#include "teleop/starts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <limits>

#include "core/base/error.h"
#include "core/spec/reset_bins.h"
#include "data/store/reader.h"

namespace understudy {
namespace {

constexpr uint64_t kCandidates = 64;

// How many demonstrations began in each part of one object's range.
struct Grid {
  size_t object = 0;
  ResetBins bins;
  std::vector<int64_t> counts;
};

}  // namespace

std::vector<Start> StartsOfDemonstrations(const std::filesystem::path& dataset,
                                          const std::vector<std::string>& objects) {
  const DatasetReader reader(dataset);
  const std::vector<std::string>& theirs = reader.header().simulator.objects;
  if (theirs != objects) {
    ThrowBadInput(
        fmt::format("{}: its objects are {} and not {}: it does not say which starts are covered",
                    dataset.string(), fmt::join(theirs, ", "), fmt::join(objects, ", ")));
  }
  std::vector<Start> starts;
  for (size_t i = 0; i < reader.episodes().size(); ++i) {
    if (!reader.episodes()[i].success) continue;
    starts.push_back(reader.ReadEpisode(i).steps.front().observation.X_WO);
  }
  return starts;
}

uint64_t ChooseStart(Simulator& simulator, const ResetVariant& variant, const std::string& name,
                     const RngKey& key, int bins, const std::vector<Start>& covered) {
  const std::vector<std::string>& objects = simulator.info().objects;
  std::vector<Grid> grids;
  for (size_t i = 0; i < objects.size(); ++i) {
    if (PlacementOf(variant, objects[i]) == nullptr) continue;
    Grid grid{i, ResetBins(variant, objects[i], bins), {}};
    grid.counts.assign(grid.bins.count(), 0);
    for (const Start& start : covered) ++grid.counts[grid.bins.BinOf(start.at(i))];
    grids.push_back(std::move(grid));
  }
  uint64_t best = 0;
  int64_t fewest = std::numeric_limits<int64_t>::max();
  for (uint64_t candidate = 0; candidate < kCandidates && fewest > 0; ++candidate) {
    simulator.Reset(name, key.WithVariant(candidate));
    const Start& start = simulator.Observe().X_WO;
    int64_t sum = 0;
    for (const Grid& grid : grids) sum += grid.counts[grid.bins.BinOf(start[grid.object])];
    if (sum >= fewest) continue;
    fewest = sum;
    best = candidate;
  }
  simulator.Reset(name, key.WithVariant(best));
  return best;
}

}  // namespace understudy
