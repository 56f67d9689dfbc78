#include "data/formats/lerobot/whole_numbers.h"

#include <fmt/format.h>

#include <optional>

#include "core/base/error.h"
#include "data/formats/parquet/parquet_reader.h"

namespace understudy {
namespace {

bool IsWide(const LerobotFeature& feature) {
  return feature.dtype == "int64" || feature.dtype == "uint64";
}

// Those of one episode and feature.
void FindIn(const ParquetReader& file, const LerobotEpisode& episode, const LerobotFeature& feature,
            std::map<std::string, BeyondDouble>& found) {
  const int64_t first = episode.first_row, count = SpanOf(episode);
  const auto note = [&](size_t i, auto value, bool int64_holds) {
    BeyondDouble& beyond = found[feature.name];
    beyond.int64_holds &= int64_holds;
    if (!beyond.first.empty()) return;
    beyond.first = fmt::format("{}: episode {}, row {}: {} = {}", episode.data.string(),
                               episode.number, i / feature.width(), feature.name, value);
  };
  if (feature.dtype == "uint64") {
    const auto values = file.Unsigned(feature.name, first, count, feature.width());
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i] > static_cast<uint64_t>(kMostExact)) note(i, values[i], values[i] >> 63 == 0);
    }
    return;
  }
  const auto values = file.Integers(feature.name, first, count, feature.width());
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] > kMostExact || values[i] < -kMostExact) note(i, values[i], true);
  }
}

}  // namespace

std::map<std::string, BeyondDouble> FindBeyondDouble(const LerobotFolder& folder) {
  std::map<std::string, BeyondDouble> found;
  std::vector<const LerobotFeature*> wide;
  for (const LerobotFeature& feature : folder.features) {
    // others are checked one by one where rows are read
    const bool counts = feature.name == "index" || feature.name == "frame_index" ||
                        feature.name == "episode_index" || feature.name == "task_index";
    if (IsWide(feature) && !counts) wide.push_back(&feature);
  }
  std::optional<ParquetReader> file;
  for (const LerobotEpisode& episode : folder.episodes) {
    if (wide.empty()) break;
    if (!episode.fault.empty() || folder.missing.contains(episode.data)) continue;
    for (const LerobotFeature* feature : wide) {
      try {
        if (!file || file->file() != episode.data) {
          file.reset();
          file.emplace(episode.data);
        }
        const auto range = file->StoredRange(feature->name);
        if (range && range->first >= -kMostExact && range->second <= kMostExact) continue;
        FindIn(*file, episode, *feature, found);
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::kBadInput) throw;
      }
    }
  }
  return found;
}

}  // namespace understudy
