#include "core/seam/episode_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/base/error.h"

namespace understudy {

std::vector<AttemptRecord> EpisodeSource::attempts() const {
  std::vector<AttemptRecord> attempts;
  VisitAttempts([&](const AttemptRecord& attempt) { attempts.push_back(attempt); });
  return attempts;
}

void EpisodeSource::VisitAttempts(const std::function<void(const AttemptRecord&)>& each) const {
  DoVisitAttempts(each);
}

Json EpisodeSource::report() const { return DoReport(); }

std::vector<std::string> EpisodeSource::MaskNames() const { return DoMaskNames(); }

std::vector<std::string> EpisodeSource::ReadMask(const std::string& key) const {
  const std::vector<std::string> names = MaskNames();
  if (std::find(names.begin(), names.end(), key) == names.end()) {
    ThrowUsage(fmt::format("{}: {}", path_.string(), UnknownName("mask", key, names)));
  }
  return DoReadMask(key);
}

EpisodeMeta EpisodeSource::ReadMeta(size_t index) const {
  Require(index < episodes_.size(), "an episode of the dataset");
  EpisodeMeta meta = DoReadMeta(index);
  meta.name = episodes_[index].name;
  return meta;
}

EpisodeMeta EpisodeSource::DoReadMeta(size_t index) const {
  return DoReadEpisode(index, false).meta;
}

Episode EpisodeSource::ReadEpisode(size_t index, bool with_raw) const {
  Require(index < episodes_.size(), "an episode of the dataset");
  Episode episode = DoReadEpisode(index, with_raw);
  episode.meta.name = episodes_[index].name;
  return episode;
}

std::optional<std::vector<std::vector<double>>> EpisodeSource::ReadStoredActions(
    size_t index) const {
  Require(index < episodes_.size(), "an episode of the dataset");
  return DoReadStoredActions(index);
}

std::optional<std::vector<std::vector<double>>> EpisodeSource::DoReadStoredActions(
    size_t index) const {
  const Episode episode = DoReadEpisode(index, false);
  std::vector<std::vector<double>> rows;
  for (const Step& step : episode.steps) {
    std::vector<double>& row = rows.emplace_back();
    for (const DeltaAction& delta : step.delta) {
      row.insert(row.end(), delta.value.begin(), delta.value.end());
    }
  }
  if (rows.empty() || rows[0].empty()) return std::nullopt;
  return rows;
}

std::vector<ColumnSpec> EpisodeSource::ListColumns() const { return DoListColumns(); }

std::vector<ColumnSpec> EpisodeSource::ColumnsOf(size_t index) const {
  Require(index < episodes_.size(), "an episode of the dataset");
  return DoColumnsOf(index);
}

std::vector<std::vector<double>> EpisodeSource::ReadColumns(
    size_t index, std::span<const ColumnSpec> columns) const {
  Require(index < episodes_.size(), "an episode of the dataset");
  std::vector<std::vector<double>> values = DoReadColumns(index, columns);
  Require(values.size() == columns.size(), "one list per column");
  for (size_t c = 0; c < columns.size(); ++c) {
    Require(values[c].size() == episodes_[index].length * columns[c].size(),
            "a column has a row for every step");
  }
  return values;
}

std::vector<std::vector<double>> EpisodeSource::DoReadColumns(
    size_t, std::span<const ColumnSpec> columns) const {
  Require(columns.empty(), "a column that the dataset lists");
  return {};
}

std::vector<ColumnSpec> CommonColumns(const EpisodeSource& source, std::vector<std::string>* odd) {
  struct Seen {
    ColumnSpec column;
    std::string differs;  // which episode does, and how
  };
  std::vector<Seen> all;
  std::optional<size_t> first;  // episode that can be read
  for (size_t e = 0; e < source.episodes().size(); ++e) {
    const std::vector<ColumnSpec> here = source.ColumnsOf(e);
    // one that cannot be read has none
    if (here.empty()) continue;
    const std::string& name = source.episodes()[e].name;
    for (Seen& seen : all) {
      if (!seen.differs.empty()) continue;
      const auto found = std::ranges::find(here, seen.column.name, &ColumnSpec::name);
      if (found == here.end()) {
        seen.differs = name + " does not have it";
      } else if (found->shape != seen.column.shape) {
        seen.differs =
            fmt::format("{} has ({}) numbers in a row, others ({})", name,
                        fmt::join(found->shape, ", "), fmt::join(seen.column.shape, ", "));
      }
    }
    for (const ColumnSpec& column : here) {
      const auto is = [&](const Seen& seen) { return seen.column.name == column.name; };
      if (std::ranges::any_of(all, is)) continue;
      all.push_back({column, first ? source.episodes()[*first].name + " does not have it" : ""});
    }
    if (!first) first = e;
  }
  std::vector<ColumnSpec> common;
  for (Seen& seen : all) {
    if (seen.differs.empty()) {
      common.push_back(std::move(seen.column));
    } else if (odd != nullptr) {
      odd->push_back(fmt::format("{}: {}", seen.column.name, seen.differs));
    }
  }
  return common;
}

void EpisodeSource::ReadFrame(size_t index, size_t camera, size_t step, uint8_t* out) const {
  Require(index < episodes_.size(), "an episode of the dataset");
  Require(camera < header_.cameras.size(), "a camera of the dataset");
  Require(step < episodes_[index].length, "a frame of the episode");
  DoReadFrame(index, camera, step, out);
}

Image EpisodeSource::ReadImage(size_t index, const std::string& camera, size_t step) const {
  const auto& cameras = header_.cameras;
  const auto found = std::find(cameras.begin(), cameras.end(), camera);
  if (found == cameras.end()) {
    ThrowUsage(fmt::format("{}: {}", path_.string(), UnknownName("camera", camera, cameras)));
  }
  const auto index_of_camera = static_cast<size_t>(found - cameras.begin());
  const PictureSize size = header_.size_of(index_of_camera);
  Image image(size.width, size.height);
  ReadFrame(index, index_of_camera, step, image.rgb.data());
  return image;
}

std::vector<CameraParameters> EpisodeSource::ReadCameras(size_t index) const {
  Require(index < episodes_.size(), "an episode of the dataset");
  return DoReadCameras(index);
}

}  // namespace understudy
