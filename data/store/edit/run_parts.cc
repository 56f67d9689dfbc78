#include "data/store/edit/run_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

#include "core/base/error.h"

namespace understudy {
namespace {

struct Place {
  int64_t index = 0;
  const RunPart* part = nullptr;
};

// Index and count of a part; count 1 for a whole run.
std::pair<int64_t, int64_t> ShardOf(const RunPart& part) {
  const Json& report = part.report;
  if (!report.is_object() || !report.contains("bounds")) return {0, 1};
  const Json shard = report["bounds"].value("shard", Json());
  const bool known = shard.is_array() && shard.size() == 2 && shard[0].is_number_integer() &&
                     shard[1].is_number_integer();
  return known ? std::pair{shard[0].get<int64_t>(), shard[1].get<int64_t>()} : std::pair{0L, 1L};
}

void RequireAll(const std::vector<Place>& places, int64_t count) {
  std::vector<bool> there(static_cast<size_t>(count));
  for (size_t i = 0; i < places.size(); ++i) {
    const auto [index, part] = places[i];
    if (index < 0 || index >= count || there[static_cast<size_t>(index)]) {
      ThrowBadInput(
          fmt::format("{}: part {} of {} is named twice or does not exist; name each part once",
                      part->file.string(), index, count));
    }
    there[static_cast<size_t>(index)] = true;
    if (i > 0 && index < places[i - 1].index) {
      ThrowBadInput(
          fmt::format("{}: part {} of {} comes after part {}; name the parts in order, so that the "
                      "result is the undivided run",
                      part->file.string(), index, count, places[i - 1].index));
    }
  }
  std::vector<int64_t> missing;
  for (int64_t i = 0; i < count; ++i) {
    if (!there[static_cast<size_t>(i)]) missing.push_back(i);
  }
  if (missing.empty()) return;
  ThrowBadInput(fmt::format(
      "{}: is one of {} parts of a run, counted from 0, and part {} is missing; name all parts, or "
      "merge what is there with --partial",
      places.front().part->file.string(), count, fmt::join(missing, ", ")));
}

}  // namespace

void RequireWholeRuns(const std::vector<RunPart>& datasets) {
  std::map<std::string, std::pair<int64_t, std::vector<Place>>> runs;
  for (const RunPart& part : datasets) {
    const auto [index, count] = ShardOf(part);
    if (count == 1) continue;
    const Json key{{"count", count},
                   {"task", part.header->task},
                   {"settings", part.header->settings},
                   {"parents", part.header->parents}};
    auto& [parts, places] = runs[key.dump()];
    parts = count;
    places.push_back({index, &part});
  }
  for (const auto& [key, run] : runs) RequireAll(run.second, run.first);
}

}  // namespace understudy
