#include "data/formats/lerobot/stored_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "core/base/error.h"
#include "data/formats/base/row_texts.h"
#include "data/formats/family/bare_dataset.h"
#include "data/formats/lerobot/feature_names.h"
#include "data/formats/lerobot/lerobot_folder.h"
#include "data/formats/lerobot/whole_numbers.h"
#include "data/store/hdf5_source.h"
#include "data/store/usual_columns.h"

namespace understudy {
namespace {

constexpr const char* kSuccess = "next.success";
constexpr const char* kSubtaskTexts = "lerobot/subtasks";
constexpr std::string_view kOwn = "lerobot/";

// LeRobot refuses '/' in the names of new datasets; those that had one keep it.
std::string Dotted(std::string path) {
  std::replace(path.begin(), path.end(), '/', '.');
  return path;
}

std::string FeatureNameOf(const std::string& path) {
  if (path == "rewards") return "next.reward";
  if (path == "dones") return "next.done";
  constexpr std::string_view kObs = "obs/";
  if (path.starts_with(kObs)) {
    return NameOfMember(Dotted("observation." + path.substr(kObs.size())));
  }
  return NameOfMember(Dotted(path));
}

// What the numbers become: what they are, where LeRobot knows the type.
std::string DtypeFor(const ColumnSpec& column, const std::string& feature) {
  if (feature == "next.done" && column.size() == 1) return "bool";
  if (feature == "next.reward") return "float32";
  if (IsDtype(column.dtype)) return column.dtype;
  return column.dtype.starts_with("float") ? "float64" : "int64";
}

// One number per row is a scalar of LeRobot, however many dimensions it has.
std::vector<int> DimsOf(const ColumnSpec& column) {
  if (column.size() == 1) return {};
  return {column.shape.begin(), column.shape.end()};
}

// "joint_pos" of obs/joint_pos; the numbers of a row are joint_pos_0, joint_pos_1, …
std::string PartName(const ColumnSpec& column) {
  const size_t slash = column.name.rfind('/');
  return slash == std::string::npos ? column.name : column.name.substr(slash + 1);
}

}  // namespace

StoredTable::StoredTable(const EpisodeSource& reader, LerobotVersion version)
    : version_(version), columns_(CommonColumns(reader, &lost_)) {
  for (std::string& column : lost_) {
    column +=
        ", --skip-bad leaves out the episodes that are not like most: not every episode is "
        "alike";
  }
  const std::vector<EpisodeSummary>& episodes = reader.episodes();
  with_success_ = std::all_of(episodes.begin(), episodes.end(),
                              [](const EpisodeSummary& episode) { return episode.success_known; });
  RequireUsual(reader);
  LeaveOutBeyond(reader);
  AddTexts(reader);
  targets_.resize(columns_.size());
  AddRole(ColumnRole::kState, "observation.state", &state_);
  AddRole(ColumnRole::kAction, "action", &action_);
  AddOther();
  if (with_success_) features_.push_back({kSuccess, "bool", {}, {}});
  for (const PlaceFeature& feature : PlaceFeatures(version)) {
    features_.push_back({feature.name, feature.dtype, {}, {}});
  }
}

// What a policy learns from and learns to do is not left out for all, as other columns are, where
// one episode has something else.
void StoredTable::RequireUsual(const EpisodeSource& reader) const {
  if (lost_.empty()) return;  // every episode is alike
  const auto role_of = [](const ColumnSpec& column) { return column.role != ColumnRole::kOther; };
  const auto has_role = [&](const std::vector<ColumnSpec>& columns) {
    return static_cast<size_t>(std::ranges::count_if(columns, role_of));
  };
  std::vector<std::vector<ColumnSpec>> episodes;
  for (size_t e = 0; e < reader.episodes().size(); ++e) {
    std::vector<ColumnSpec> columns = reader.ColumnsOf(e);
    if (!columns.empty()) episodes.push_back(std::move(columns));
  }
  std::vector<ColumnSpec> usual = UsualColumns(episodes);
  std::erase_if(usual, [&](const ColumnSpec& column) { return !role_of(column); });
  if (has_role(columns_) >= usual.size()) return;
  for (size_t e = 0; e < reader.episodes().size(); ++e) {
    const std::vector<ColumnSpec> columns = reader.ColumnsOf(e);
    const std::string odd = columns.empty() ? "" : OddColumn(usual, columns);
    if (odd.empty()) continue;
    ThrowBadInput(fmt::format("{}: {}: {}{}", reader.path().string(), reader.episodes()[e].name,
                              odd, kSkipBadHint));
  }
}

// Whole numbers pass through double, which holds those up to 2^53: a column with larger ones would
// come out wrong.
void StoredTable::LeaveOutBeyond(const EpisodeSource& reader) {
  constexpr auto kMostWhole = static_cast<double>(kMostExact);
  std::vector<ColumnSpec> wide;
  for (const ColumnSpec& column : columns_) {
    const bool whole = column.dtype == "int64" || column.dtype == "uint64";
    if (whole && column.role == ColumnRole::kOther && column.size() > 0) wide.push_back(column);
  }
  std::map<std::string, std::string> beyond;  // by column, the first number
  for (size_t e = 0; e < reader.episodes().size() && !wide.empty(); ++e) {
    if (reader.episodes()[e].length == 0) continue;
    const std::vector<std::vector<double>> values = reader.ReadColumns(e, wide);
    for (size_t c = 0; c < wide.size(); ++c) {
      const auto large =
          std::ranges::find_if(values[c], [](double v) { return std::abs(v) >= kMostWhole; });
      if (large == values[c].end()) continue;
      beyond.emplace(wide[c].name,
                     fmt::format("row {} of {} holds {:.0f}",
                                 static_cast<size_t>(large - values[c].begin()) / wide[c].size(),
                                 reader.episodes()[e].name, *large));
    }
  }
  for (const auto& [name, what] : beyond) {
    lost_.push_back(fmt::format(
        "{}: {} or near it: whole numbers beyond 2^53 are not read exactly: left out", name, what));
  }
  std::erase_if(columns_, [&](const ColumnSpec& column) { return beyond.contains(column.name); });
}

void StoredTable::AddTexts(const EpisodeSource& reader) {
  std::map<std::string, std::vector<std::string>> holders;  // episodes by column
  size_t with_rows = 0;
  for (size_t e = 0; e < reader.episodes().size(); ++e) {
    // one that is empty or cannot be read says so itself
    if (reader.episodes()[e].length == 0) continue;
    ++with_rows;
    for (const auto& [path, texts] : RowTextsOf(reader, e)) {
      holders[path].push_back(reader.episodes()[e].name);
    }
  }
  std::vector<std::string> replaced;  // columns of numbers in the old lists of texts
  for (const auto& [path, episodes] : holders) {
    if (episodes.size() < with_rows && path != kTaskTexts) {
      lost_.push_back(
          fmt::format("{}: {} of {} episodes have such texts, the others get empty ones", path,
                      episodes.size(), with_rows));
    }
    if (path == kTaskTexts) {
      with_tasks_ = true;
      replaced.emplace_back("lerobot/task_index");
      continue;
    }
    std::string name = path == kSubtaskTexts ? "subtask" : path;
    if (path == kSubtaskTexts) replaced.emplace_back("lerobot/subtask_index");
    if (name.starts_with(kOwn)) name = name.substr(kOwn.size());
    text_paths_.push_back(path);
    texts_.push_back({FeatureNameOf(name)});
  }
  std::erase_if(columns_, [&](const ColumnSpec& column) {
    return std::find(replaced.begin(), replaced.end(), column.name) != replaced.end();
  });
}

std::vector<std::string> StoredTable::TextPaths() const {
  std::vector<std::string> paths = text_paths_;
  if (with_tasks_) paths.emplace_back(kTaskTexts);
  return paths;
}

std::vector<std::string> StoredTable::TasksOf(const EpisodeSource& reader, size_t episode) const {
  if (!with_tasks_) return {};
  TextColumns texts = RowTextsOf(reader, episode);
  return std::move(texts[kTaskTexts]);
}

void StoredTable::AddRole(ColumnRole role, const char* name, std::vector<StoredPart>* parts) {
  Feature feature{name, "float32", {}, {0}};
  for (size_t c = 0; c < columns_.size(); ++c) {
    const ColumnSpec& column = columns_[c];
    if (column.role != role) continue;
    targets_[c] = {features_.size(), feature.names.size()};
    std::string part = PartName(column);
    // two columns may end alike: left/joint_pos, right/joint_pos
    const bool alone =
        std::count_if(columns_.begin(), columns_.end(), [&](const ColumnSpec& other) {
          return other.role == role && PartName(other) == part;
        }) == 1;
    if (!alone) part = Dotted(column.name);
    parts->push_back({part, feature.names.size(), column.size()});
    for (size_t i = 0; i < column.size(); ++i) {
      const bool named = column.parts.size() == column.size();
      feature.names.push_back(named                ? column.parts[i]
                              : column.size() == 1 ? part
                                                   : fmt::format("{}_{}", part, i));
    }
  }
  if (parts->empty()) return;
  feature.dims = {static_cast<int>(feature.names.size())};
  features_.push_back(std::move(feature));
}

void StoredTable::AddOther() {
  std::vector<std::string> taken{"task", kSuccess};
  for (const PlaceFeature& feature : PlaceFeatures(LerobotVersion::kV21)) {
    taken.emplace_back(feature.name);
  }
  for (const Feature& feature : features_) taken.push_back(feature.name);
  for (TextFeature& feature : texts_) {
    while (std::find(taken.begin(), taken.end(), feature.name) != taken.end()) {
      feature.name = "stored." + feature.name;
    }
    taken.push_back(feature.name);
  }
  for (size_t c = 0; c < columns_.size(); ++c) {
    const ColumnSpec& column = columns_[c];
    if (column.role != ColumnRole::kOther) continue;
    if (column.size() == 0) {
      lost_.push_back(column.name + ": has no number in a row");
      continue;
    }
    const auto is_taken = [&](const std::string& name) {
      return std::find(taken.begin(), taken.end(), name) != taken.end();
    };
    std::string name = FeatureNameOf(column.name);
    // a feature of LeRobot's that an import put there goes back
    if (column.name.starts_with(kOwn)) {
      const std::string own = NameOfMember(Dotted(column.name.substr(kOwn.size())));
      if (!is_taken(own)) name = own;
    }
    while (is_taken(name)) name = "stored." + name;
    taken.push_back(name);
    targets_[c] = {features_.size(), 0};
    const bool named = column.parts.size() == column.size() && column.size() > 1;
    features_.push_back({name, DtypeFor(column, name),
                         named ? column.parts : std::vector<std::string>{}, DimsOf(column)});
  }
}

void StoredTable::Fill(const EpisodeSource& reader, size_t episode, int64_t first_index,
                       const std::vector<int64_t>& tasks, double fps) {
  const EpisodeSummary& summary = reader.episodes()[episode];
  const size_t length = summary.length;
  for (Feature& feature : features_) {
    feature.values.assign(length * static_cast<size_t>(feature.width()), 0);
  }
  Require(tasks.size() == length, "every row has a task");
  if (!texts_.empty()) {
    TextColumns stored_texts = RowTextsOf(reader, episode);
    for (size_t i = 0; i < texts_.size(); ++i) {
      texts_[i].values = std::move(stored_texts[text_paths_[i]]);
      texts_[i].values.resize(length);
    }
  }
  // stored columns
  const std::vector<std::vector<double>> stored = reader.ReadColumns(episode, columns_);
  for (size_t c = 0; c < columns_.size(); ++c) {
    Feature& feature = features_[targets_[c].feature];
    const size_t size = columns_[c].size(), width = static_cast<size_t>(feature.width());
    Require(stored[c].size() == length * size, "a column has all rows");
    for (size_t k = 0; k < length; ++k) {
      std::copy_n(
          stored[c].begin() + static_cast<std::ptrdiff_t>(k * size), size,
          feature.values.begin() + static_cast<std::ptrdiff_t>(k * width + targets_[c].first));
    }
    // statistics are those of what is written
    if (feature.dtype != "bool") continue;
    for (double& value : feature.values) value = value != 0 ? 1 : 0;
  }
  // where each row stands
  const std::span<const PlaceFeature> places = PlaceFeatures(version_);
  const size_t first_place = features_.size() - places.size();
  for (size_t k = 0; k < length; ++k) {
    const auto frame = static_cast<int64_t>(k);
    const FramePlace row{k + 1 == length,     frame,    static_cast<int64_t>(episode),
                         first_index + frame, tasks[k], fps};
    for (size_t p = 0; p < places.size(); ++p) {
      features_[first_place + p].values[k] = places[p].get(row);
    }
  }
  if (with_success_) features_[first_place - 1].values[length - 1] = summary.success ? 1 : 0;
}

std::vector<std::string> StoredTable::Lost() const {
  std::vector<std::string> lost = lost_;
  for (size_t c = 0; c < columns_.size(); ++c) {
    const ColumnSpec& column = columns_[c];
    if (column.size() == 0) continue;
    const std::string& dtype = features_[targets_[c].feature].dtype;
    if (dtype == column.dtype) continue;
    static const std::set<std::string> narrow{"int8",   "uint8",   "int16",
                                              "uint16", "float16", "bool"};
    const bool fits = narrow.contains(column.dtype) || dtype == "bool";
    lost.push_back(fmt::format("{}: {} {} {}{}", column.name, column.dtype,
                               fits ? "becomes" : "is rounded to", dtype,
                               dtype == "bool" ? ", true where it is not 0" : ""));
  }
  return lost;
}

}  // namespace understudy
