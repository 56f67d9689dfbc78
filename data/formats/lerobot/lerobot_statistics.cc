#include "data/formats/lerobot/lerobot_statistics.h"

#include <fmt/format.h>

#include <limits>

#include "core/base/error.h"
#include "data/formats/lerobot/lerobot_tables.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

constexpr const char* kNames[] = {"min", "max", "mean", "std", "count",
                                  "q01", "q10", "q50",  "q90", "q99"};

// The numbers of lists within lists, in order.
void Flatten(const Json& json, const std::string& place, std::vector<double>& numbers) {
  if (json.is_array()) {
    for (const Json& item : json) Flatten(item, place, numbers);
  } else if (json.is_null()) {
    numbers.push_back(std::numeric_limits<double>::quiet_NaN());
  } else if (json.is_number() || json.is_boolean()) {
    numbers.push_back(json.is_boolean() ? (json.get<bool>() ? 1 : 0) : json.get<double>());
  } else {
    ThrowBadInput(fmt::format("{}: {} is no number", place, json.dump()));
  }
}

std::optional<StoredStatistics> Take(const Json& features, const std::string& feature,
                                     const std::string& place) {
  if (!features.is_object()) ThrowBadInput(place + ": must be a mapping");
  const auto found = features.find(feature);
  if (found == features.end()) return std::nullopt;
  if (!found->is_object()) ThrowBadInput(fmt::format("{}: {} must be a mapping", place, feature));
  StoredStatistics stored;
  for (const char* name : kNames) {
    const auto numbers = found->find(name);
    if (numbers == found->end()) continue;
    Flatten(*numbers, fmt::format("{}: {}.{}", place, feature, name), stored[name]);
  }
  return stored;
}

}  // namespace

LerobotStatistics::LerobotStatistics(const LerobotFolder& folder) : folder_(folder) {
  std::error_code none;
  const fs::path dataset = folder.path / "meta/stats.json";
  // v2.1 replaced it; GR00T still reads it
  if (folder.version != "v2.1") dataset_file_ = dataset;
  if (fs::exists(dataset, none)) {
    dataset_file_ = dataset;
    dataset_ = ParsePythonJson(ReadSmallText(dataset), dataset.string());
  }
  if (folder.version == "v2.1") {
    episodes_file_ = folder.path / "meta/episodes_stats.jsonl";
    FindLines();
  } else if (folder.version == "v3.0") {
    episodes_file_ = folder.path / "meta/episodes";
    if (!folder.listed_by_data) FindRows();
  }
}

void LerobotStatistics::FindLines() {
  std::error_code none;
  if (!fs::exists(episodes_file_, none)) return;
  RequireSmall(episodes_file_);
  lines_.open(episodes_file_, std::ios::binary);
  std::string text;
  for (std::streamoff begin = 0; std::getline(lines_, text); begin = lines_.tellg()) {
    if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
    const Json line = ParsePythonJson(
        text, fmt::format("{}: the line at byte {}", episodes_file_.string(), begin));
    const bool numbered = line.is_object() && line.contains("episode_index") &&
                          line["episode_index"].is_number_integer();
    if (!numbered) {
      ThrowBadInput(fmt::format("{}: the line at byte {} has no 'episode_index'",
                                episodes_file_.string(), begin));
    }
    line_of_[line["episode_index"].get<int64_t>()] = begin;
    if (lines_.eof()) break;
  }
  lines_.clear();
}

void LerobotStatistics::FindRows() {
  for (const fs::path& path : EpisodeFilesV3(folder_.path)) {
    files_.push_back(path);
    const ParquetReader file(path);
    const std::vector<int64_t> numbers = file.Integers("episode_index", 0, file.rows());
    for (size_t row = 0; row < numbers.size(); ++row) {
      row_of_[numbers[row]] = {files_.size() - 1, static_cast<int64_t>(row)};
    }
  }
}

std::optional<StoredStatistics> LerobotStatistics::OfDataset(const std::string& feature) const {
  return Take(dataset_, feature, dataset_file_.string());
}

std::optional<StoredStatistics> LerobotStatistics::OfEpisode(int64_t episode,
                                                             const std::string& feature,
                                                             size_t width) {
  if (const auto line = line_of_.find(episode); line != line_of_.end()) {
    const std::string place = fmt::format("{}: episode {}", episodes_file_.string(), episode);
    if (line_read_ != episode) {
      std::string text;
      lines_.clear();
      lines_.seekg(line->second);
      std::getline(lines_, text);
      line_ = ParsePythonJson(text, place);
      line_read_ = episode;
    }
    return Take(line_.value("stats", Json::object()), feature, place);
  }
  const auto found = row_of_.find(episode);
  if (found == row_of_.end()) return std::nullopt;
  if (!file_ || open_ != found->second.file) {
    file_.reset();
    file_.emplace(files_[found->second.file]);
    open_ = found->second.file;
  }
  StoredStatistics stored;
  for (const char* name : kNames) {
    const std::string column = fmt::format("stats/{}/{}", feature, name);
    if (!file_->Has(column)) continue;
    stored[name] =
        file_->Numbers(column, found->second.row, 1, std::string_view(name) == "count" ? 1 : width);
  }
  if (stored.empty()) return std::nullopt;
  return stored;
}

}  // namespace understudy
