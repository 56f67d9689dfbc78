#include "data/formats/lerobot/splits.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

namespace understudy {
namespace {

// "3:7", and Python's ":7" and "3:".
std::optional<std::pair<int64_t, int64_t>> RangeOf(const Json& json) {
  if (!json.is_string()) return std::nullopt;
  const std::string text = json;
  const size_t colon = text.find(':');
  if (colon == std::string::npos) return std::nullopt;
  std::pair<int64_t, int64_t> range{0, std::numeric_limits<int64_t>::max()};
  const auto read = [&](size_t begin, size_t end, int64_t& number) {
    if (begin == end) return true;
    const auto [rest, problem] = std::from_chars(text.data() + begin, text.data() + end, number);
    return problem == std::errc() && rest == text.data() + end && number >= 0;
  };
  if (!read(0, colon, range.first) || !read(colon + 1, text.size(), range.second)) {
    return std::nullopt;
  }
  return range;
}

Json AllTrain(size_t episodes) {
  Json splits = Json::object();
  splits["train"] = fmt::format("0:{}", episodes);
  return splits;
}

// Every episode of the folder, under its number.
bool AreAll(const LerobotFolder& folder, const std::vector<std::pair<size_t, int64_t>>& copied) {
  for (size_t k = 0; k < copied.size(); ++k) {
    if (copied[k].second != static_cast<int64_t>(k)) return false;
  }
  return folder.info.value("total_episodes", Json()) == Json(copied.size());
}

}  // namespace

LerobotSplits SplitsOfCopy(const std::vector<const LerobotFolder*>& folders,
                           const std::vector<std::pair<size_t, int64_t>>& copied) {
  LerobotSplits result;
  if (folders.size() == 1 && AreAll(*folders[0], copied)) {
    const Json& info = folders[0]->info;
    result.json = info.contains("splits") ? info["splits"] : AllTrain(copied.size());
    return result;
  }
  const auto splits_of = [](const LerobotFolder& folder) {
    Json splits = folder.info.value("splits", Json());
    if (splits.is_object()) return splits;
    Json train = Json::object();
    train["train"] = ":";
    return train;
  };
  std::vector<std::string> names;
  for (const LerobotFolder* folder : folders) {
    const Json splits = splits_of(*folder);
    for (const auto& [name, range] : splits.items()) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  result.json = Json::object();
  for (const std::string& name : names) {
    std::vector<size_t> members;
    bool known = true;
    for (size_t f = 0; f < folders.size(); ++f) {
      const Json splits = splits_of(*folders[f]);
      if (!splits.contains(name)) continue;
      const auto range = RangeOf(splits[name]);
      if (!range) {
        result.lost.push_back(
            fmt::format("split '{}' = {} of {}: is no range of episodes such as \"0:{}\", left out",
                        name, splits[name].dump(), folders[f]->path.string(), copied.size()));
        known = false;
        break;
      }
      for (size_t k = 0; k < copied.size(); ++k) {
        const auto [folder, number] = copied[k];
        if (folder == f && number >= range->first && number < range->second) members.push_back(k);
      }
    }
    if (!known) continue;
    if (members.empty()) {
      result.lost.push_back(fmt::format("split '{}': has none of the episodes, left out", name));
      continue;
    }
    std::sort(members.begin(), members.end());
    if (members.back() - members.front() + 1 != members.size()) {
      result.lost.push_back(
          fmt::format("split '{}': its {} episodes are no longer one range of numbers, left out",
                      name, members.size()));
      continue;
    }
    result.json[name] = fmt::format("{}:{}", members.front(), members.back() + 1);
  }
  return result;
}

}  // namespace understudy
