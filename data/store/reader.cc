#include "data/store/reader.h"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "core/base/error.h"
#include "data/store/checked_episode.h"
#include "data/store/episode_columns.h"
#include "data/store/hdf5/file.h"
#include "data/store/hdf5/library.h"
#include "data/store/index.h"
#include "data/store/meta.h"
#include "data/store/success_known.h"

namespace understudy {

DatasetReader::DatasetReader(const std::filesystem::path& path, const ReadOptions& options)
    : Hdf5Source(path, options), check_hashes_(options.check_hashes) {
  const h5::Guard guard;
  if (!root().Has("understudy")) {
    ThrowBadInput(
        fmt::format("{}: was written by another program and lacks what a new dataset needs of it",
                    path.string()));
  }
  header_ = ReadHeader(root());
  content_hash_ = root().Open("understudy").Text("content_hash", "");
  if (options.check_hashes) {
    if (content_hash_.empty()) {
      ThrowBadInput(fmt::format(
          "{}: has no content hash: it was changed, or never finished; `understudy data "
          "repair` keeps what is whole",
          path.string()));
    }
    CheckWhole(root());
  }
  if (!options.skip_bad && ListIndexed()) return;
  ListEpisodes(options);
  if (options.skip_bad) LeaveOutBad();
}

// By what stands in every episode.
void DatasetReader::ListEpisodes(const ReadOptions& options) {
  const h5::Group data = root().Open("data");
  episodes_ = ListDemos(options.skip_bad);
  for (EpisodeSummary& summary : episodes_) {
    try {
      const h5::Group demo = data.Open(summary.name);
      summary.success = demo.Bool("success", false);
      summary.uuid = demo.Text("uuid", "");
      const h5::Group own = demo.Open("understudy");
      summary.variant_index = static_cast<int>(own.Int("variant_index"));
      // a damaged one is for whoever reads the episode
      const Json settings = Json::parse(own.Text("settings", "{}"), nullptr, false);
      summary.success_known = IsSuccessKnown(settings);
      if (!summary.success_known) summary.success_from = kSuccessNotTold;
    } catch (const Error&) {
      if (!options.skip_bad) throw;
    }
  }
}

// By the index; false where there is none, or it names other episodes.
bool DatasetReader::ListIndexed() {
  std::optional<DatasetIndex> index = ReadIndex(root().Open("understudy"));
  if (!index) return false;
  const h5::Group data = root().Open("data");
  const std::vector<std::string> names = EpisodeNames(data);
  if (names.size() != index->entries.size()) return false;
  for (size_t e = 0; e < names.size(); ++e) {
    if (names[e] != fmt::format("demo_{}", e)) return false;
  }
  figures_ = DatasetFigures{{}, std::move(index->actions)};
  std::set<std::string> files;
  for (size_t e = 0; e < names.size(); ++e) {
    IndexEntry& entry = index->entries[e];
    EpisodeSummary& summary = episodes_.emplace_back();
    summary.name = names[e];
    summary.linked_file = data.ExternalTarget(summary.name);
    // says which file is not there
    const std::string& file = summary.linked_file;
    if (!file.empty() && files.insert(file).second) data.Open(summary.name);
    summary.uuid = entry.uuid;
    summary.length = entry.length;
    summary.success = entry.success;
    summary.success_known = entry.success_known;
    if (!summary.success_known) summary.success_from = kSuccessNotTold;
    summary.variant_index = entry.variant_index;
    figures_->episodes.push_back(std::move(entry.figures));
  }
  return true;
}

DatasetReader::~DatasetReader() = default;
DatasetReader::DatasetReader(DatasetReader&&) noexcept = default;

bool DatasetReader::Recognises(const std::filesystem::path& path) {
  const h5::Guard guard;
  try {
    return IsHdf5(path) && h5::OpenForReading(path).Has("understudy");
  } catch (const Error&) {
    return false;
  }
}

EpisodeMeta DatasetReader::DoReadMeta(size_t index) const {
  const h5::Guard guard;
  return understudy::ReadMeta(Demo(index));
}

Episode DatasetReader::DoReadEpisode(size_t index, bool with_raw) const {
  const h5::Guard guard;
  const h5::Group demo = Demo(index);
  if (episodes_[index].length == 0) ReadLength(demo);  // says why
  Episode episode;
  ReadBefore columns;
  if (check_hashes_) {
    CheckedEpisode checked = ReadChecked(demo);
    episode.meta = std::move(checked.meta);
    columns = std::move(checked.columns);
  } else {
    episode.meta = understudy::ReadMeta(demo);
  }
  understudy::ReadColumns(demo, episodes_[index].length, false, episode, columns);
  if (with_raw) ReadRaw(demo, false, episode.raw, columns);
  return episode;
}

std::vector<std::vector<double>> DatasetReader::DoReadColumns(
    size_t index, std::span<const ColumnSpec> columns) const {
  if (check_hashes_) {
    // states and actions are asked for one after the other
    const h5::Guard guard;
    if (!checked_.contains(index)) ReadChecked(Demo(index));
    checked_.insert(index);
  }
  return Hdf5Source::DoReadColumns(index, columns);
}

std::vector<CameraParameters> DatasetReader::DoReadCameras(size_t index) const {
  return understudy::ReadCameras(Demo(index));
}

void DatasetReader::DoVisitAttempts(const std::function<void(const AttemptRecord&)>& each) const {
  understudy::VisitAttempts(root().Open("understudy"), header_.simulator.objects.size(), each);
}

Json DatasetReader::DoReport() const {
  const h5::Group own = root().Open("understudy");
  if (!own.HasAttribute("report")) return Json::object();
  return ParseJson(own.Text("report"), own.Place() + ": attribute 'report'");
}

}  // namespace understudy
