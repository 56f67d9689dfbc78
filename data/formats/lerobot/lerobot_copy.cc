#include "data/formats/lerobot/lerobot_copy.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>

#include "core/base/error.h"
#include "data/formats/lerobot/episode_table.h"
#include "data/formats/lerobot/feature_statistics.h"
#include "data/formats/lerobot/film.h"
#include "data/formats/lerobot/lerobot_rows.h"
#include "data/formats/lerobot/lerobot_source.h"
#include "data/formats/lerobot/lerobot_statistics.h"
#include "data/formats/lerobot/lerobot_tables.h"
#include "data/formats/lerobot/part_folder.h"
#include "data/formats/parquet/parquet_copy.h"
#include "data/formats/parquet/parquet_writer.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

constexpr int kWidestQuantiles = 4096;  // numbers per row: beyond, a feature has no quantiles

const LerobotFolder& Checked(const EpisodeSource& source) {
  const LerobotFolder* folder = FolderOf(source);
  Require(folder != nullptr, "a LeRobot dataset");
  return *folder;
}

// JSON lines.
class Lines {
 public:
  explicit Lines(fs::path file) : file_(std::move(file)), out_(file_, std::ios::binary) {}
  void Add(const Json& line) {
    out_ << line.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
    if (!out_) ThrowFailed(file_.string() + ": cannot be written; is the disk full?");
  }
  void Finish() {
    out_.close();
    if (!out_) ThrowFailed(file_.string() + ": cannot be written; is the disk full?");
  }

 private:
  fs::path file_;
  std::ofstream out_;
};

// How many episodes each film holds.
std::map<fs::path, int64_t> EpisodesOfFilms(const LerobotFolder& folder) {
  std::map<fs::path, int64_t> episodes;
  for (const LerobotEpisode& episode : folder.episodes) {
    for (const LerobotEpisode::Place& film : episode.films) ++episodes[film.file];
  }
  return episodes;
}

// Files of meta/ that every conversion makes anew.
bool IsMadeAnew(const std::string& name) {
  static const std::set<std::string> names{"info.json",      "stats.json",
                                           "episodes.jsonl", "episodes_stats.jsonl",
                                           "tasks.jsonl",    "tasks.parquet"};
  return names.contains(name);
}

// Statistics of one feature of one episode or of all, and the shape that its numbers have.
struct Entry {
  FeatureStatistics values;
  std::vector<int> dims;
};

// Numbers in lists within lists.
Json Nested(const std::vector<double>& values, const std::vector<int>& dims) {
  Json json = values;
  for (size_t d = dims.size(); d-- > 1;) {
    Json outer = Json::array();
    for (size_t i = 0; i < json.size(); i += static_cast<size_t>(dims[d])) {
      Json inner = Json::array();
      for (size_t k = i; k < i + static_cast<size_t>(dims[d]); ++k) inner.push_back(json[k]);
      outer.push_back(std::move(inner));
    }
    json = std::move(outer);
  }
  return json;
}

Json StatisticsOf(const Entry& entry) {
  Json json = Json::object();
  for (const auto& [name, values] : NamedStatistics(entry.values)) {
    if (!values.empty()) json[name] = Nested(values, entry.dims);
  }
  json["count"] = {entry.values.count};
  return json;
}

// Of pictures, from those of the episodes: as LeRobot takes them together.
class PictureTotals {
 public:
  void Add(const Entry& entry) {
    const FeatureStatistics& s = entry.values;
    const auto n = static_cast<double>(s.count);
    if (parts_.empty()) {
      total_ = s;
      dims_ = entry.dims;
    }
    parts_.push_back(s);
    count_ += n;
  }
  bool empty() const { return parts_.empty(); }
  Entry Result() const {
    FeatureStatistics all = total_;
    for (size_t i = 0; i < all.min.size(); ++i) {
      const auto mean = [&](auto member) {
        double sum = 0;
        for (const FeatureStatistics& s : parts_) {
          sum += (s.*member)[i] * static_cast<double>(s.count) / count_;
        }
        return sum;
      };
      all.mean[i] = mean(&FeatureStatistics::mean);
      double squares = 0;
      for (const FeatureStatistics& s : parts_) {
        all.min[i] = std::min(all.min[i], s.min[i]);
        all.max[i] = std::max(all.max[i], s.max[i]);
        const double off = s.mean[i] - all.mean[i];
        squares += (s.std[i] * s.std[i] + off * off) * static_cast<double>(s.count) / count_;
      }
      all.std[i] = std::sqrt(squares);
      for (const auto member :
           {&FeatureStatistics::q01, &FeatureStatistics::q10, &FeatureStatistics::q50,
            &FeatureStatistics::q90, &FeatureStatistics::q99}) {
        if (!(all.*member).empty()) (all.*member)[i] = mean(member);
      }
    }
    all.count = static_cast<int64_t>(count_);
    return {all, dims_};
  }

 private:
  FeatureStatistics total_;
  std::vector<int> dims_;
  std::vector<FeatureStatistics> parts_;
  double count_ = 0;
};

class Copier {
 public:
  Copier(const LerobotFolder& folder, fs::path part, const LerobotOptions& options,
         const LerobotImportOptions& reading)
      : folder_(folder),
        part_(std::move(part)),
        options_(options),
        v3_(options.version == LerobotVersion::kV30),
        rows_(folder, reading.tolerance_s),
        pictures_(folder, reading.tolerance_s),
        stored_(folder),
        shares_(EpisodesOfFilms(folder)),
        picture_totals_(folder.films.size() + folder.pictures.size()),
        with_quantiles_(picture_totals_.size()),
        film_files_(folder.films.size()),
        anew_(folder.films.size()) {
    for (const LerobotFeature& feature : folder.features) {
      const auto width = static_cast<int>(feature.width());
      totals_.emplace_back(width, width <= kWidestQuantiles);
    }
    // LeRobot takes the number of a task for its place in the list
    for (const auto& [number, text] : folder.tasks) {
      task_of_[number] = static_cast<int64_t>(tasks_.size());
      tasks_.push_back(text);
    }
    if (v3_) {
      table_ = std::make_unique<EpisodeTable>(part_ / "meta/episodes/chunk-000/file-000.parquet");
    } else {
      list_ = std::make_unique<Lines>(part_ / "meta/episodes.jsonl");
      statistics_ = std::make_unique<Lines>(part_ / "meta/episodes_stats.jsonl");
    }
  }

  void Copy(const LerobotEpisode& episode);
  void Finish(LerobotReport& report);

 private:
  // Where a film of an episode stands in the copy.
  struct FilmPlace {
    FileIndex file;
    int64_t first_frame = 0;
  };
  void CopyRows(const LerobotEpisode& episode, const LerobotRows& rows);
  FilmPlace CopyFilm(const LerobotEpisode& episode, size_t film);
  void EncodeAnew(size_t film, const fs::path& from, const fs::path& to, int64_t first,
                  int64_t count);
  std::map<std::string, Entry> Statistics(const LerobotEpisode& episode, const LerobotRows& rows);
  Entry PictureStatistics(const LerobotEpisode& episode, size_t camera);
  std::optional<Entry> StoredPictures(const LerobotEpisode& episode, size_t camera);
  std::vector<std::string> TasksOf(const LerobotRows& rows) const;
  std::string Chunk() const { return fmt::format("chunk-{:03d}", number_ / kFilesPerChunk); }
  std::string Name() const { return fmt::format("episode_{:06d}", number_); }
  const std::string& KeyOf(size_t camera) const {
    const size_t films = folder_.films.size();
    return camera < films ? folder_.films[camera] : folder_.pictures[camera - films];
  }
  void WriteTasks() const;
  void WriteInfo() const;
  void CopyOtherFiles() const;

  const LerobotFolder& folder_;
  const fs::path part_;
  const LerobotOptions options_;
  const bool v3_;
  LerobotRowReader rows_;
  LerobotPictures pictures_;
  LerobotStatistics stored_;
  std::map<fs::path, int64_t> shares_;
  std::map<int64_t, int64_t> task_of_;  // the old number
  std::vector<std::string> tasks_;
  int64_t number_ = 0, index_ = 0;  // of the episode, of its first row

  std::optional<ParquetRows> source_;
  std::unique_ptr<ParquetCopy> data_;
  FileIndex data_file_;
  int64_t data_files_ = 0, video_files_ = 0;
  std::vector<VectorStatistics> totals_;
  std::vector<PictureTotals> picture_totals_;
  std::vector<std::optional<bool>> with_quantiles_;
  std::vector<std::map<fs::path, FileIndex>> film_files_;  // v3.0: where each film went
  std::vector<std::optional<VideoReport>> anew_;           // films that were encoded anew
  std::unique_ptr<EpisodeTable> table_;
  std::unique_ptr<Lines> list_, statistics_;
};

void Copier::CopyRows(const LerobotEpisode& episode, const LerobotRows& rows) {
  const auto length = static_cast<size_t>(episode.length);
  std::map<std::string, std::vector<int64_t>> replaced;
  replaced["episode_index"].assign(length, number_);
  for (size_t k = 0; k < length; ++k) {
    replaced["index"].push_back(index_ + static_cast<int64_t>(k));
  }
  // numbers of tasks, GR00T's annotations among them
  for (const LerobotFeature& feature : folder_.features) {
    const bool task = feature.name == "task_index" || feature.name.starts_with("annotation.");
    if (!task || feature.width() != 1 || !feature.dtype.starts_with("int")) continue;
    for (const double v : folder_.Of(feature, rows.values)) {
      const auto found = task_of_.find(static_cast<int64_t>(v));
      replaced[feature.name].push_back(found == task_of_.end() ? static_cast<int64_t>(v)
                                                               : found->second);
    }
  }
  if (!source_ || source_->file() != episode.data) {
    source_.reset();
    source_.emplace(episode.data);
  }
  const auto begin = [&] {
    const fs::path file = v3_ ? part_ / "data" / data_file_.Name("parquet")
                              : part_ / "data" / Chunk() / (Name() + ".parquet");
    data_ = std::make_unique<ParquetCopy>(file);
    ++data_files_;
  };
  const auto end = [&] {
    data_->Finish();
    data_.reset();
    ++data_file_.number;
  };
  if (data_ && static_cast<double>(data_->bytes()) >= options_.data_file_mb * 1e6) end();
  if (!data_) begin();
  if (!data_->Append(*source_, episode.first_row, episode.length, replaced)) {
    // other columns than the file so far
    end();
    begin();
    data_->Append(*source_, episode.first_row, episode.length, replaced);
  }
  if (!v3_) end();
}

void Copier::EncodeAnew(size_t film, const fs::path& from, const fs::path& to, int64_t first,
                        int64_t count) {
  VideoReader reader(from);
  VideoWriter writer(to, FilmOptions(options_, folder_.fps));
  for (int64_t k = 0; k < count; ++k) writer.Add({reader.Read(first + k)});
  writer.Finish();
  anew_[film] = writer.report();
}

Copier::FilmPlace Copier::CopyFilm(const LerobotEpisode& episode, size_t film) {
  const LerobotEpisode::Place& place = episode.films[film];
  const VideoReader& reader = pictures_.Open(episode, film);
  bool timed = true;
  try {
    reader.RequireTimes(folder_.fps, 0, "");
  } catch (const Error&) {
    timed = false;  // the option lets it pass
  }
  const std::string& key = folder_.films[film];
  const auto copy = [&](const fs::path& to, int64_t first, int64_t count, bool as_it_is) {
    fs::create_directories(to.parent_path());
    ++video_files_;
    if (!as_it_is) return EncodeAnew(film, place.file, to, first, count);
    std::error_code problem;
    fs::copy_file(place.file, to, problem);
    if (problem)
      ThrowFailed(fmt::format("{}: cannot be written: {}", to.string(), problem.message()));
  };
  if (!v3_) {
    const bool alone = shares_.at(place.file) == 1 && place.first_frame == 0;
    copy(part_ / "videos" / Chunk() / key / (Name() + ".mp4"), place.first_frame, episode.length,
         alone && timed);
    return {};
  }
  auto& files = film_files_[film];
  auto known = files.find(place.file);
  if (known == files.end()) {
    const FileIndex index{static_cast<int64_t>(files.size())};
    copy(part_ / "videos" / key / index.Name("mp4"), 0, folder_.frames.at(place.file), timed);
    known = files.emplace(place.file, index).first;
  }
  return {known->second, place.first_frame};
}

std::optional<Entry> Copier::StoredPictures(const LerobotEpisode& episode, size_t camera) {
  const std::string& key = KeyOf(camera);
  const size_t width = folder_.depths.contains(key) ? 1 : 3;
  try {
    const std::optional<StoredStatistics> stored = stored_.OfEpisode(episode.number, key, width);
    if (!stored) return std::nullopt;
    const auto get = [&](const char* name) {
      const auto found = stored->find(name);
      const bool sound = found != stored->end() && found->second.size() == width &&
                         std::all_of(found->second.begin(), found->second.end(),
                                     [](double v) { return std::isfinite(v); });
      return sound ? found->second : std::vector<double>{};
    };
    Entry entry{{get("min"), get("max"), get("mean"), get("std"), get("q01"), get("q10"),
                 get("q50"), get("q90"), get("q99"), 0},
                {static_cast<int>(width), 1, 1}};
    FeatureStatistics& s = entry.values;
    if (s.min.empty() || s.max.empty() || s.mean.empty() || s.std.empty()) return std::nullopt;
    const auto count = stored->find("count");
    const bool counted = count != stored->end() && !count->second.empty() && count->second[0] >= 1;
    s.count = counted ? static_cast<int64_t>(count->second[0]) : episode.length;
    const bool quantiles =
        !s.q01.empty() && !s.q10.empty() && !s.q50.empty() && !s.q90.empty() && !s.q99.empty();
    // every episode stores the same ones
    if (!with_quantiles_[camera]) with_quantiles_[camera] = quantiles;
    if (*with_quantiles_[camera] && !quantiles) return std::nullopt;
    if (!*with_quantiles_[camera]) s.q01 = s.q10 = s.q50 = s.q90 = s.q99 = {};
    return entry;
  } catch (const Error&) {
    return std::nullopt;  // verify says what is wrong with them
  }
}

Entry Copier::PictureStatistics(const LerobotEpisode& episode, size_t camera) {
  if (std::optional<Entry> stored = StoredPictures(episode, camera)) return *stored;
  if (!with_quantiles_[camera]) with_quantiles_[camera] = true;
  ImageStatistics pictures;
  const size_t films = folder_.films.size();
  for (int64_t k = 0; k < episode.length; k += PictureStride(episode.length)) {
    pictures.Add(camera < films ? pictures_.Read(episode, camera, k)
                                : rows_.ReadPicture(episode, KeyOf(camera), k));
  }
  Entry entry{pictures.Result(), {3, 1, 1}};
  FeatureStatistics& s = entry.values;
  if (!*with_quantiles_[camera]) s.q01 = s.q10 = s.q50 = s.q90 = s.q99 = {};
  if (!folder_.depths.contains(KeyOf(camera))) return entry;
  // three equal colours
  for (auto* values : {&s.min, &s.max, &s.mean, &s.std, &s.q01, &s.q10, &s.q50, &s.q90, &s.q99}) {
    if (!values->empty()) values->resize(1);
  }
  entry.dims[0] = 1;
  return entry;
}

std::map<std::string, Entry> Copier::Statistics(const LerobotEpisode& episode,
                                                const LerobotRows& rows) {
  std::map<std::string, Entry> entries;
  for (size_t f = 0; f < folder_.features.size(); ++f) {
    const LerobotFeature& feature = folder_.features[f];
    const auto width = static_cast<std::ptrdiff_t>(feature.width());
    VectorStatistics own(static_cast<int>(width), width <= kWidestQuantiles);
    std::vector<double> values = rows.values[f];
    // as the rows are numbered in the copy
    for (size_t k = 0; k < values.size(); ++k) {
      if (feature.name == "episode_index") values[k] = static_cast<double>(number_);
      if (feature.name == "index") values[k] = static_cast<double>(index_) + static_cast<double>(k);
      if (feature.name == "task_index") {
        values[k] = static_cast<double>(task_of_.at(static_cast<int64_t>(values[k])));
      }
    }
    for (auto at = values.begin(); at != values.end(); at += width) {
      const std::vector<double> row(at, at + width);
      own.Add(row);
      totals_[f].Add(row);
    }
    entries[feature.name] = {own.Result(), {feature.shape.begin(), feature.shape.end()}};
  }
  for (size_t c = 0; c < picture_totals_.size(); ++c) {
    const Entry entry = PictureStatistics(episode, c);
    picture_totals_[c].Add(entry);
    entries[KeyOf(c)] = entry;
  }
  return entries;
}

// Each once, in the order in which the rows have them.
std::vector<std::string> Copier::TasksOf(const LerobotRows& rows) const {
  std::vector<std::string> tasks;
  const LerobotFeature* feature = folder_.Find("task_index");
  if (feature == nullptr || feature->width() != 1) return tasks;
  for (const double v : folder_.Of(*feature, rows.values)) {
    const std::string& text = folder_.tasks.at(static_cast<int64_t>(v));
    if (std::find(tasks.begin(), tasks.end(), text) == tasks.end()) tasks.push_back(text);
  }
  return tasks;
}

void Copier::Copy(const LerobotEpisode& episode) {
  const LerobotRows rows = rows_.Read(episode);
  CopyRows(episode, rows);
  std::vector<FilmPlace> films;
  for (size_t f = 0; f < folder_.films.size(); ++f) films.push_back(CopyFilm(episode, f));
  const std::map<std::string, Entry> statistics = Statistics(episode, rows);
  std::vector<std::string> tasks = TasksOf(rows);
  if (tasks.empty()) tasks = episode.tasks;
  if (v3_) {
    table_->Begin();
    table_->Int("episode_index", number_);
    table_->Texts("tasks", tasks);
    table_->Int("length", episode.length);
    table_->Int("data/chunk_index", data_file_.chunk());
    table_->Int("data/file_index", data_file_.file());
    table_->Int("dataset_from_index", index_);
    table_->Int("dataset_to_index", index_ + episode.length);
    for (size_t f = 0; f < films.size(); ++f) {
      const std::string key = "videos/" + folder_.films[f];
      const auto seconds = [&](int64_t frame) { return static_cast<double>(frame) / folder_.fps; };
      table_->Int(key + "/chunk_index", films[f].file.chunk());
      table_->Int(key + "/file_index", films[f].file.file());
      table_->Double(key + "/from_timestamp", seconds(films[f].first_frame));
      table_->Double(key + "/to_timestamp", seconds(films[f].first_frame + episode.length));
    }
    for (const auto& [feature, entry] : statistics) {
      table_->Statistics(feature, entry.values, entry.dims);
    }
    table_->Int("meta/episodes/chunk_index", 0);
    table_->Int("meta/episodes/file_index", 0);
    table_->End();
  } else {
    list_->Add({{"episode_index", number_}, {"tasks", tasks}, {"length", episode.length}});
    Json stats = Json::object();
    for (const auto& [feature, entry] : statistics) stats[feature] = StatisticsOf(entry);
    statistics_->Add({{"episode_index", number_}, {"stats", stats}});
  }
  ++number_;
  index_ += episode.length;
}

void Copier::WriteTasks() const {
  if (!v3_) {
    Lines lines(part_ / "meta/tasks.jsonl");
    for (size_t i = 0; i < tasks_.size(); ++i) lines.Add({{"task_index", i}, {"task", tasks_[i]}});
    lines.Finish();
    return;
  }
  if (tasks_.empty()) return;
  std::vector<int64_t> numbers;
  for (size_t i = 0; i < tasks_.size(); ++i) numbers.push_back(static_cast<int64_t>(i));
  ParquetWriter file(part_ / "meta/tasks.parquet", "task");
  file.Append({{.name = "task_index", .values = numbers}, {.name = "task", .values = tasks_}});
  file.Finish();
}

void Copier::WriteInfo() const {
  Json info = folder_.info;
  info["codebase_version"] = v3_ ? "v3.0" : "v2.1";
  const bool same = info.value("total_episodes", Json()) == Json(number_);
  info["total_episodes"] = number_;
  info["total_frames"] = index_;
  info["total_tasks"] = tasks_.size();
  info["chunks_size"] = kFilesPerChunk;
  if (!same || !info.contains("splits")) {
    info["splits"] = {{"train", fmt::format("0:{}", number_)}};
  }
  const bool films = !folder_.films.empty();
  if (v3_) {
    for (const char* key : {"total_chunks", "total_videos"}) info.erase(key);
    info["data_files_size_in_mb"] = options_.data_file_mb;
    info["video_files_size_in_mb"] = options_.video_file_mb;
    info["data_path"] = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet";
    info["video_path"] =
        films ? Json("videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4")
              : Json(nullptr);
  } else {
    for (const char* key : {"data_files_size_in_mb", "video_files_size_in_mb"}) info.erase(key);
    info["total_videos"] = video_files_;
    info["total_chunks"] = (number_ + kFilesPerChunk - 1) / kFilesPerChunk;
    info["data_path"] = "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet";
    info["video_path"] =
        films ? Json("videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4")
              : Json(nullptr);
  }
  for (size_t f = 0; f < anew_.size(); ++f) {
    if (!anew_[f]) continue;
    Json& feature = info["features"][folder_.films[f]];
    feature["info"] = FilmFeature(*anew_[f], 0)["info"];
    feature["info"]["video.fps"] = folder_.info["fps"];
  }
  WriteTextAtomically(part_ / "meta/info.json", info.dump(4) + "\n");
}

// What lies beside the lists: modality.json, the dataset's card.
void Copier::CopyOtherFiles() const {
  std::error_code none;
  for (const char* folder : {"", "meta"}) {
    for (const auto& entry : fs::directory_iterator(folder_.path / folder, none)) {
      const std::string name = entry.path().filename().string();
      if (!entry.is_regular_file(none) || IsMadeAnew(name)) continue;
      std::error_code problem;
      const fs::path to = part_ / folder / name;
      fs::copy_file(entry.path(), to, problem);
      if (problem)
        ThrowFailed(fmt::format("{}: cannot be written: {}", to.string(), problem.message()));
    }
  }
}

void Copier::Finish(LerobotReport& report) {
  if (data_) data_->Finish();
  if (v3_) {
    table_->Finish();
  } else {
    list_->Finish();
    statistics_->Finish();
  }
  WriteTasks();
  WriteInfo();
  Json all = Json::object();
  for (size_t f = 0; f < totals_.size(); ++f) {
    const LerobotFeature& feature = folder_.features[f];
    all[feature.name] =
        StatisticsOf({totals_[f].Result(), {feature.shape.begin(), feature.shape.end()}});
  }
  for (size_t c = 0; c < picture_totals_.size(); ++c) {
    all[KeyOf(c)] = StatisticsOf(picture_totals_[c].Result());
  }
  WriteTextAtomically(part_ / "meta/stats.json", all.dump(4) + "\n");
  CopyOtherFiles();
  report.episodes = number_;
  report.frames = index_;
  report.data_files = data_files_;
  report.video_files = video_files_;
  for (const auto& film : anew_) {
    if (film) report.encoder = film->encoder;
  }
}

// Keys of the list of episodes that no version of the format knows.
std::set<std::string> OwnKeysOfEpisodes(const LerobotFolder& folder) {
  std::set<std::string> keys;
  if (folder.version == "v3.0") {
    const ParquetReader file(EpisodeFilesV3(folder.path).at(0));
    for (const std::string& column : file.columns()) {
      bool known = column == "episode_index" || column == "tasks" || column == "length";
      for (const char* prefix : {"data/", "dataset_", "videos/", "stats/", "meta/"}) {
        known |= column.starts_with(prefix);
      }
      if (!known) keys.insert(column);
    }
    return keys;
  }
  std::ifstream lines(folder.path / "meta/episodes.jsonl");
  std::string line;
  while (std::getline(lines, line) && line.find('{') == std::string::npos) {
  }
  const Json first = ParsePythonJson(line, (folder.path / "meta/episodes.jsonl").string());
  for (const auto& [key, value] : first.items()) {
    if (key != "episode_index" && key != "tasks" && key != "length") keys.insert(key);
  }
  return keys;
}

}  // namespace

std::vector<std::string> LostInCopy(const EpisodeSource& source, const LerobotOptions& options) {
  const LerobotFolder& folder = Checked(source);
  std::vector<std::string> lost;
  for (const auto& [place, what] : folder.faults) {
    lost.push_back(fmt::format("{}: {}", place, what));
  }
  for (const std::string& note : folder.notes) lost.push_back(note);
  if (options.version == LerobotVersion::kV21) {
    std::set<std::string> cut;
    const std::map<fs::path, int64_t> shares = EpisodesOfFilms(folder);
    for (const LerobotEpisode& episode : folder.episodes) {
      for (size_t f = 0; f < episode.films.size(); ++f) {
        const LerobotEpisode::Place& place = episode.films[f];
        if (shares.at(place.file) > 1 || place.first_frame > 0) cut.insert(folder.films[f]);
      }
    }
    for (const std::string& film : cut) {
      lost.push_back(fmt::format(
          "{}: its films hold several episodes: they are cut by encoding them anew with rate "
          "factor "
          "{}, which keeps the pictures nearly{}",
          film, options.quality, folder.depths.contains(film) ? ", 8 bits of each number" : ""));
    }
  }
  for (const std::string& key : OwnKeysOfEpisodes(folder)) {
    lost.push_back(fmt::format("'{}' in the list of episodes: the formats do not know it", key));
  }
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder.path, none)) {
    const std::string name = entry.path().filename().string();
    const bool known = name == "data" || name == "videos" || name == "meta";
    if (entry.is_directory(none) && !known && !name.starts_with(".")) {
      lost.push_back(name + "/: is no part of the format, left out");
    }
  }
  return lost;
}

LerobotReport CopyLerobot(const EpisodeSource& source, const fs::path& folder,
                          const LerobotOptions& options, const LerobotImportOptions& reading,
                          Progress& progress) {
  const LerobotFolder& from = Checked(source);
  CheckOutput(folder, options.overwrite, {from.path});
  if (fs::exists(folder) && !fs::exists(folder / "meta/info.json")) {
    ThrowUsage(folder.string() + ": is no LeRobot dataset: only one is replaced by --overwrite");
  }
  const fs::path part = PartOf(folder);
  PartFolder part_folder(part);
  LerobotReport report;
  {
    Copier copier(from, part, options, reading);
    const auto count = static_cast<int64_t>(from.episodes.size());
    progress.Start("writing " + folder.string(), count, "episodes");
    for (int64_t e = 0; e < count; ++e) {
      if (InterruptRequested()) ThrowFailed(folder.string() + ": interrupted, nothing was written");
      copier.Copy(from.episodes[static_cast<size_t>(e)]);
      progress.Advance(e + 1);
    }
    copier.Finish(report);
  }
  if (options.overwrite) fs::remove_all(folder);
  part_folder.KeepAs(folder);
  progress.Finish(fmt::format("{} frames", report.frames));
  return report;
}

}  // namespace understudy
