#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <optional>
#include <set>

#include "core/base/error.h"
#include "core/base/ordered_pool.h"
#include "data/store/edit/verify_episode.h"
#include "data/store/episode_columns.h"
#include "data/store/hdf5/file.h"
#include "data/store/hdf5/opened_groups.h"
#include "data/store/image_column.h"
#include "data/store/index.h"
#include "data/store/meta.h"
#include "data/store/shown_pictures.h"

namespace understudy {
namespace {

using enum ColumnType;

constexpr const char* kOtherHash = "its content differs from the hash that was stored with it";

// Poses stand at these columns: numbers per pose, and where in it the quaternion starts.
const std::map<std::string, std::pair<size_t, size_t>>& PoseColumns() {
  static const std::map<std::string, std::pair<size_t, size_t>> columns{
      {"actions_abs", {8, 3}},
      {"understudy/actions_clean", {8, 3}},
      {"understudy/eef_pose", {7, 3}},
      {"understudy/object_pose", {7, 3}},
      {"understudy/teleop/wanted_pose", {7, 3}},
      {"understudy/teleop/filtered_pose", {7, 3}},
      {"understudy/teleop/limited_pose", {7, 3}},
      {"understudy/raw/head_pose", {7, 3}},
      {"understudy/raw/grip_pose", {7, 3}},
      {"understudy/raw/aim_pose", {7, 3}}};
  return columns;
}

// Collects faults of one episode, each with its place.
class EpisodeCheck {
 public:
  EpisodeCheck(const h5::Group& demo, VerifyReport& report) : demo_(demo), report_(report) {}

  void Fail(const std::string& place, const std::string& what) {
    report_.faults.push_back({demo_.path() + (place.empty() ? "" : "/" + place), what});
  }
  // The first bad row of a column is enough.
  void Values(const Column& c);
  void Columns(size_t length, const DatasetHeader& header);
  const Json& hashes() const { return hashes_; }
  const ReadBefore& columns() const { return columns_; }
  void LoadHashes();

 private:
  void Finite(const Column& c);
  void Quaternions(const Column& c);
  void Clock(const Column& c);
  size_t ExpectedRows(const std::string& path, size_t length) const;
  void CompareHash(const std::string& path, const std::string& now);

  const h5::Group& demo_;
  VerifyReport& report_;
  Json hashes_ = Json::object();
  ReadBefore columns_;
};

void EpisodeCheck::LoadHashes() {
  hashes_ = ParseJson(demo_.Open("understudy").Text("column_hashes"),
                      demo_.Place("understudy") + ": attribute 'column_hashes'");
  if (!hashes_.is_object()) {
    h5::FailReading(demo_.Place("understudy"), "column_hashes is no object");
  }
}

void EpisodeCheck::Finite(const Column& c) {
  const size_t n = c.row_size();
  for (size_t k = 0; k < c.rows; ++k) {
    for (size_t i = 0; i < n; ++i) {
      const double v = c.type == kF64 ? c.At<double>(k, i) : c.At<float>(k, i);
      if (!std::isfinite(v)) return Fail(fmt::format("{}[{}]", c.path, k), "is not finite");
    }
  }
}

void EpisodeCheck::Quaternions(const Column& c) {
  const auto found = PoseColumns().find(c.path);
  if (found == PoseColumns().end()) return;
  const auto [width, start] = found->second;
  const size_t poses = c.row_size() / width;
  for (size_t k = 0; k < c.rows; ++k) {
    for (size_t p = 0; p < poses; ++p) {
      double squares = 0;
      for (size_t i = 0; i < 4; ++i) {
        const double q = c.At<double>(k, p * width + start + i);
        squares += q * q;
      }
      if (!(std::abs(std::sqrt(squares) - 1) < 1e-6)) {
        return Fail(fmt::format("{}[{}]", c.path, k),
                    fmt::format("quaternion {} has norm {:.9g}, must be 1", p, std::sqrt(squares)));
      }
    }
  }
}

void EpisodeCheck::Clock(const Column& c) {
  const bool rising = c.path == "understudy/sim_time" || c.path == "understudy/raw/id";
  const bool clock = rising || c.path == "understudy/teleop/xr_time" ||
                     c.path == "understudy/teleop/monotonic" ||
                     c.path == "understudy/raw/xr_time" || c.path == "understudy/raw/monotonic";
  if (!clock) return;
  for (size_t k = 1; k < c.rows; ++k) {
    const bool right = c.type == kF64 ? c.At<double>(k) > c.At<double>(k - 1)
                       : rising       ? c.At<int64_t>(k) > c.At<int64_t>(k - 1)
                                      : c.At<int64_t>(k) >= c.At<int64_t>(k - 1);
    if (!right) return Fail(fmt::format("{}[{}]", c.path, k), "time runs backwards or stands");
  }
}

void EpisodeCheck::Values(const Column& c) {
  if (c.type == kF64 || c.type == kF32) Finite(c);
  if (c.type == kF64) Quaternions(c);
  Clock(c);
  if (c.path == "actions") {
    for (size_t k = 0; k < c.rows; ++k) {
      for (size_t i = 0; i < c.row_size(); ++i) {
        if (std::abs(c.At<double>(k, i)) > 1) {
          return Fail(fmt::format("actions[{}]", k),
                      fmt::format("= {} must lie in [-1, 1]", c.At<double>(k, i)));
        }
      }
    }
  }
  if (c.path == "understudy/label" || c.path == "understudy/arm_label") {
    for (size_t i = 0; i < c.rows * c.row_size(); ++i) {
      if (c.At<uint8_t>(0, i) > static_cast<uint8_t>(kLastLabel)) {
        return Fail(fmt::format("{}[{}]", c.path, i / c.row_size()), "is no known label");
      }
    }
  }
}

size_t EpisodeCheck::ExpectedRows(const std::string& path, size_t length) const {
  static const std::set<std::string> instants{"understudy/state",    "understudy/sim_time",
                                              "understudy/eef_pose", "understudy/object_pose",
                                              "understudy/signals",  "understudy/success"};
  return length + (instants.count(path) || path.rfind("understudy/robot", 0) == 0 ? 1 : 0);
}

void EpisodeCheck::CompareHash(const std::string& path, const std::string& now) {
  if (hashes_.contains(path) && now != hashes_[path]) {
    Fail(path, kOtherHash);
  }
}

void EpisodeCheck::Columns(size_t length, const DatasetHeader& header) {
  EpisodeMeta meta;
  meta.state_sizes = ReadStateSizes(demo_);
  const EpisodeMeta::StateSizes sizes = StateSizesOf(meta, header);
  h5::OpenedGroups groups(demo_);
  for (const auto& item : hashes_.items()) {
    const std::string& path = item.key();
    if (path.ends_with("_image")) continue;
    try {
      // rows first: no memory for what cannot be right
      const bool raw = path.rfind("understudy/raw/", 0) == 0;
      const size_t want = ExpectedRows(path, length);
      const auto [group, name] = groups.Find(path);
      std::optional<Column> read = group.ReadIf(name, [&](const h5::DatasetInfo& info) {
        const size_t rows = info.dims.empty() ? 0 : info.dims[0];
        if (raw || rows == want) return true;
        Fail(path, fmt::format("has {} rows, must have {}", rows, want));
        return false;
      });
      if (!read) continue;
      Column& column = *read;
      column.path = path;
      report_.bytes_read += static_cast<int64_t>(column.bytes.size());
      ColumnHashes now;
      now.Add(column);
      CompareHash(path, now.ToJson().at(path));
      Values(column);
      const auto size_is = [&](const char* name, size_t want) {
        if (path == name && want > 0 && column.row_size() != want) {
          Fail(path,
               fmt::format("has {} numbers per row, the header says {}", column.row_size(), want));
        }
      };
      size_is("understudy/state", sizes.whole);
      size_is("states", sizes.flat);
      columns_.emplace(path, std::move(column));
    } catch (const Error& error) {
      Fail(path, error.what());
    }
  }
}

}  // namespace

void VerifyPictures(const h5::Group& demo, const std::string& camera, size_t length,
                    const DatasetHeader& header, const Json& hashes, VerifyReport& report) {
  const std::string path = StoredImagePath(demo, camera);
  const auto fail = [&](const std::string& what) {
    report.faults.push_back({demo.path() + "/" + path, what});
  };
  try {
    const ImageReader reader(demo, camera);
    if (reader.frames() != length) {
      fail(fmt::format("has {} frames, must have {}", reader.frames(), length));
    }
    const auto place = std::find(header.cameras.begin(), header.cameras.end(), camera);
    const PictureSize size = header.size_of(static_cast<size_t>(place - header.cameras.begin()));
    if (reader.width() != size.width || reader.height() != size.height) {
      fail(fmt::format("is {}x{}, the header says {}x{}", reader.width(), reader.height(),
                       size.width, size.height));
    }
    const std::string now = reader.Hash();
    report.bytes_read += static_cast<int64_t>(reader.frames() * reader.frame_bytes());
    if (hashes.contains(path) && now != hashes[path]) fail(kOtherHash);
  } catch (const Error& error) {
    fail(error.what());
  }
}

void VerifyEpisode(const h5::Group& data, const std::string& name, const DatasetHeader& header,
                   VerifyReport& report, std::optional<EpisodeStamp>* stamp) {
  try {
    const h5::Group demo = data.Open(name);
    EpisodeCheck check(demo, report);
    const size_t length = ReadLength(demo);
    ++report.episodes;
    report.steps += static_cast<int64_t>(length);
    check.LoadHashes();
    check.Columns(length, header);
    // an episode has the pictures of every camera or none
    size_t present = 0;
    for (const std::string& camera : header.cameras) {
      if (!demo.Has(ImagePath(camera)) && !check.hashes().contains(ImagePath(camera))) continue;
      ++present;
      VerifyPictures(demo, camera, length, header, check.hashes(), report);
    }
    if (present != 0 && present != header.cameras.size()) {
      check.Fail("obs", fmt::format("has pictures of {} cameras, must have those of all {} or none",
                                    present, header.cameras.size()));
    }
    // meta and columns together must still give the hash
    Episode episode;
    episode.meta = ReadMeta(demo);
    if (episode.meta.uuid.empty()) check.Fail("", "has no uuid");
    ReadRaw(demo, false, episode.raw, check.columns());
    ReadColumns(demo, length, false, episode, check.columns());
    const auto check_source = [&](const char* column, size_t k, int32_t source) {
      if (source >= -1 && source < static_cast<int32_t>(episode.meta.sources.size())) return true;
      check.Fail(
          fmt::format("{}[{}]", column, k),
          fmt::format("= {}: the episode names {} sources", source, episode.meta.sources.size()));
      return false;
    };
    for (size_t k = 0; k < length; ++k) {
      const Step& step = episode.steps[k];
      bool sound = check_source("understudy/source", k, step.source);
      for (const ArmPart& part : step.parts) {
        sound = sound && check_source("understudy/arm_source", k, part.source);
      }
      if (!sound) break;
    }
    const std::string hash = demo.Open("understudy").Text("content_hash");
    if (stamp != nullptr) {
      *stamp = EpisodeStamp{episode.meta.uuid, hash, IndexEntry::Of(episode).ToJson()};
    }
    if (EpisodeHash(episode.meta, episode.raw, check.hashes()) != hash) {
      check.Fail("", "its attributes differ from the hash that was stored with them");
    }
  } catch (const Error& error) {
    report.faults.push_back({data.path() + "/" + name, error.what()});
  }
}

EpisodeStamps VerifyEpisodes(const h5::Group& root, int threads, const CheckEpisode& check,
                             VerifyReport& report) {
  const h5::Group data = root.Open("data");
  const std::vector<std::string> names = EpisodeNames(data);
  // HDF5 is locked inside; pictures, hashes and checks of several episodes go on side by side
  struct Checked {
    VerifyReport report;
    std::optional<EpisodeStamp> stamp;
  };
  EpisodeStamps stamps;
  const auto count = static_cast<int64_t>(names.size());
  RunOrdered<Checked>(
      ThreadCount(threads, count), 0, count,
      [&](int, int64_t e) {
        Checked checked;
        check(data, names[static_cast<size_t>(e)], checked.report, &checked.stamp);
        return checked;
      },
      [&](int64_t, Checked&& checked) {
        VerifyReport& one = checked.report;
        stamps.push_back(std::move(checked.stamp));
        std::move(one.faults.begin(), one.faults.end(), std::back_inserter(report.faults));
        report.episodes += one.episodes;
        report.steps += one.steps;
        report.bytes_read += one.bytes_read;
        return true;
      });
  if (names.empty()) report.faults.push_back({"/data", "holds no episode"});
  if (data.HasAttribute("total") && data.Int("total") != report.steps) {
    report.faults.push_back({"/data", fmt::format("attribute 'total' = {}, the episodes have {} "
                                                  "steps",
                                                  data.Int("total"), report.steps)});
  }
  // lists of episodes name episodes that are there
  const std::set<std::string> known(names.begin(), names.end());
  if (!root.Has("mask")) return stamps;
  const h5::Group masks = root.Open("mask");
  for (const std::string& key : masks.Names()) {
    std::set<std::string> named;
    std::vector<std::string> texts;
    try {
      texts = masks.ReadTexts(key);
    } catch (const Error& error) {
      report.faults.push_back({"/mask/" + key, error.what()});
    }
    for (const std::string& name : texts) {
      if (known.count(name) == 0) {
        report.faults.push_back(
            {"/mask/" + key, fmt::format("names '{}', which is not there", name)});
      } else if (!named.insert(name).second) {
        report.faults.push_back({"/mask/" + key, fmt::format("names '{}' twice", name)});
      }
    }
  }
  return stamps;
}

void VerifySceneFiles(const DatasetHeader& header, VerifyReport& report) {
  for (const SceneFile& file : header.scene_files) {
    try {
      report.bytes_read += static_cast<int64_t>(file.read().size());
    } catch (const Error& error) {
      report.faults.push_back({"/understudy/scene/" + file.hash, error.what()});
    }
  }
}

namespace {

// The pictures that an episode's look shows are there. No fault of the episode: its rows and frames
// are whole without.
void VerifyPicturesOf(const h5::Group& demo, const h5::Group& root, VerifyReport& report) {
  const SceneVariation look = ReadMeta(demo).variation;
  EachPicture(look, [&](const ShownPicture& picture) {
    const std::string place = "understudy/pictures/" + picture.hash;
    if (root.Has(place)) return;
    report.faults.push_back(
        {demo.path(), fmt::format("shows picture '{}', and /{} is missing", picture.name, place)});
  });
}

void VerifyStoredPictures(const h5::Group& root, VerifyReport& report) {
  for (const std::string& hash : StoredPictures(root.Open("understudy"))) {
    try {
      report.bytes_read +=
          static_cast<int64_t>(ReadStoredPicture(root.file(), hash, hash)->rgb.size());
    } catch (const Error& error) {
      report.faults.push_back({"/understudy/pictures/" + hash, error.what()});
    }
  }
}

// The index says of every episode what the episode says.
void VerifyIndex(const h5::Group& understudy, const std::vector<std::string>& names,
                 const EpisodeStamps& stamps, VerifyReport& report) {
  const std::string place = "/understudy/index";
  if (!understudy.Has("index")) return;
  const std::optional<DatasetIndex> index = ReadIndex(understudy);
  if (!index || index->entries.size() != names.size()) {
    report.faults.push_back({place, "is damaged or of other content: it is not used"});
    return;
  }
  for (size_t e = 0; e < names.size(); ++e) {
    if (!stamps[e]) continue;
    const Json said = index->entries[e].ToJson();
    Json right = stamps[e]->index_entry;
    if (!said.contains(kRiseAgain)) right.erase(kRiseAgain);  // older programs do not say it
    if (said == right) continue;
    report.faults.push_back({place, fmt::format("differs from {}", names[e])});
  }
}

}  // namespace

VerifyReport VerifyOwn(const std::filesystem::path& path, const VerifyOptions& options) {
  VerifyReport report;
  try {
    // refuses what cannot be read at all, and says why
    const h5::Group root = h5::OpenForReading(path, options.read.outside_links);
    if (!root.Has("data")) ThrowBadInput(fmt::format("{}: it has no group '/data'", path.string()));
    const DatasetHeader header = ReadHeader(root);
    const h5::Group data = root.Open("data");
    if (!options.episode.empty()) {
      VerifyEpisode(data, options.episode, header, report);
      return report;
    }
    VerifySceneFiles(header, report);
    const EpisodeStamps stamps = VerifyEpisodes(
        root, options.threads,
        [&](const h5::Group& episodes, const std::string& name, VerifyReport& one,
            std::optional<EpisodeStamp>* stamp) {
          VerifyEpisode(episodes, name, header, one, stamp);
          if (one.faults.empty()) VerifyPicturesOf(episodes.Open(name), root, one);
        },
        report);
    VerifyStoredPictures(root, report);
    const std::vector<std::string> names = EpisodeNames(data);
    std::map<std::string, std::string> uuids;
    std::vector<std::string> hashes;
    for (size_t e = 0; e < names.size(); ++e) {
      const std::string& name = names[e];
      const std::string uuid = stamps[e] ? stamps[e]->uuid : data.Open(name).Text("uuid", "");
      const auto [first, fresh] = uuids.emplace(uuid, name);
      if (!fresh) {
        report.faults.push_back(
            {"/data/" + name, fmt::format("has the uuid of {}", first->second)});
      }
    }
    try {
      VisitAttempts(root.Open("understudy"), header.simulator.objects.size(),
                    [](const AttemptRecord&) {});
    } catch (const Error& error) {
      // the hash of the dataset covers them
      report.faults.push_back({"/understudy/attempts", error.what()});
      return report;
    }
    for (size_t e = 0; e < names.size(); ++e) {
      hashes.push_back(stamps[e] ? stamps[e]->content_hash
                                 : data.Open(names[e]).Open("understudy").Text("content_hash"));
    }
    VerifyIndex(root.Open("understudy"), names, stamps, report);
    if (root.Open("understudy").Text("content_hash", "") != DatasetHash(root, hashes)) {
      report.faults.push_back({"/understudy",
                               "header, attempts, masks or list of episodes differ "
                               "from the stored content hash"});
    }
  } catch (const Error& error) {
    report.faults.push_back({"/", error.what()});
  }
  return report;
}

}  // namespace understudy
