#include "train/samples/frame_key.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "core/base/hash.h"

namespace understudy {
namespace {

// Place, size and newest change of a file or folder.
std::string StampOf(const std::filesystem::path& place) {
  namespace fs = std::filesystem;
  uint64_t bytes = 0;
  fs::file_time_type newest = fs::file_time_type::min();
  const auto add = [&](const fs::path& file) {
    std::error_code gone;
    bytes += fs::file_size(file, gone);
    newest = std::max(newest, fs::last_write_time(file, gone));
  };
  std::error_code none;
  if (!fs::is_directory(place)) add(place);
  for (const auto& entry : fs::recursive_directory_iterator(place, none)) {
    if (entry.is_regular_file(none)) add(entry.path());
  }
  return fmt::format("{} {} {}", fs::absolute(place).string(), bytes,
                     newest.time_since_epoch().count());
}

}  // namespace

std::string KeyOfFrames(const std::vector<LearntSet>& sets, std::span<const std::string> cameras,
                        int height, int width) {
  Hasher hasher;
  hasher.Add(fmt::format("{} {} {}", height, width, fmt::join(cameras, "/")));
  for (const LearntSet& learnt : sets) {
    const TrainingSet& set = *learnt.set;
    hasher.Add(fmt::format("{}", fmt::join(set.cameras, "/")));
    for (const TrainingDataset& dataset : set.datasets) {
      // another program's files have no hash of their own
      hasher.Add(dataset.hash.empty() ? StampOf(dataset.path) : dataset.hash);
    }
    for (const TrainingEpisode& episode : set.episodes) {
      hasher.Add(
          fmt::format("{} {} {} {}", episode.dataset, episode.name, episode.index, episode.length));
    }
  }
  return hasher.Hex();
}

}  // namespace understudy
