#include "data/formats/lerobot/lerobot_copier.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "core/base/error.h"
#include "data/formats/lerobot/episode_ending.h"
#include "data/formats/lerobot/task_columns.h"
#include "data/formats/parquet/parquet_writer.h"
#include "data/store/files.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

constexpr const char* kSuccess = "next.success";

// Files of meta/ that every conversion makes anew.
bool IsMadeAnew(const std::string& name) {
  static const std::set<std::string> names{"info.json",      "stats.json",
                                           "episodes.jsonl", "episodes_stats.jsonl",
                                           "tasks.jsonl",    "tasks.parquet"};
  return names.contains(name);
}

}  // namespace

std::map<fs::path, int64_t> EpisodesOfFilms(const LerobotFolder& folder) {
  std::map<fs::path, int64_t> episodes;
  for (const LerobotEpisode& episode : folder.episodes) {
    for (const LerobotEpisode::Place& film : episode.films) ++episodes[film.file];
  }
  return episodes;
}

// One of the folders that are read.
struct LerobotCopier::Source {
  Source(const LerobotFolder& of, double tolerance_s)
      : folder(of),
        rows(of, tolerance_s),
        pictures(of, tolerance_s),
        stored(of),
        shares(EpisodesOfFilms(of)) {}
  const LerobotFolder& folder;
  LerobotRowReader rows;
  LerobotPictures pictures;
  LerobotStatistics stored;
  std::map<fs::path, int64_t> shares;
};

LerobotCopier::LerobotCopier(const std::vector<const LerobotFolder*>& folders, fs::path part,
                             const LerobotOptions& options, const LerobotImportOptions& reading,
                             CopiedLists lists)
    : common_(*folders.at(0)),
      part_(std::move(part)),
      options_(options),
      v3_(options.version == LerobotVersion::kV30),
      tasks_(std::move(lists.tasks)),
      splits_(std::move(lists.splits)),
      picture_totals_(common_.films.size() + common_.pictures.size()),
      with_quantiles_(picture_totals_.size()),
      sizes_(picture_totals_.size()),
      film_files_(common_.films.size()),
      anew_(common_.films.size()) {
  for (const LerobotFolder* folder : folders) {
    sources_.push_back(std::make_unique<Source>(*folder, reading.tolerance_s));
  }
  for (const LerobotFeature& feature : common_.features) {
    const auto width = static_cast<int>(feature.width());
    totals_.emplace_back(width, width <= kWidestQuantiles);
  }
  if (v3_) {
    table_ = std::make_unique<EpisodeTable>(part_ / "meta/episodes/chunk-000/file-000.parquet");
  } else {
    list_ = std::make_unique<JsonLines>(part_ / "meta/episodes.jsonl");
    statistics_ = std::make_unique<JsonLines>(part_ / "meta/episodes_stats.jsonl");
  }
}

LerobotCopier::~LerobotCopier() = default;

std::string LerobotCopier::Chunk() const {
  return fmt::format("chunk-{:03d}", number_ / kFilesPerChunk);
}
std::string LerobotCopier::Name() const { return fmt::format("episode_{:06d}", number_); }

const std::string& LerobotCopier::KeyOf(size_t camera) const {
  const size_t films = common_.films.size();
  return camera < films ? common_.films[camera] : common_.pictures[camera - films];
}

int64_t LerobotCopier::TaskNumber(const std::string& text) {
  const auto known = std::find(tasks_.begin(), tasks_.end(), text);
  if (known != tasks_.end()) return known - tasks_.begin();
  tasks_.push_back(text);
  return static_cast<int64_t>(tasks_.size()) - 1;
}

// The numbers of the rows as they are in the copy.
LerobotCopier::Passage LerobotCopier::Read(Source& from, const LerobotEpisode& episode,
                                           const EpisodeCut& cut) {
  Passage passage{from, episode, cut};
  passage.count = cut.count.value_or(episode.length - cut.first);
  Require(cut.first >= 0 && passage.count > 0 && cut.first + passage.count <= episode.length,
          "rows of the episode");
  passage.whole = passage.count == episode.length;
  passage.values = from.rows.Read(episode).values;
  std::optional<int64_t> given;
  if (cut.task) given = TaskNumber(*cut.task);
  const std::vector<bool> tells_task = TellsTask(common_, passage.values);
  for (size_t f = 0; f < common_.features.size(); ++f) {
    const LerobotFeature& feature = common_.features[f];
    const auto width = static_cast<std::ptrdiff_t>(feature.width());
    std::vector<double>& values = passage.values[f];
    const bool ends_anew = !passage.whole && width == 1 && TellsEnding(feature.name);
    const std::vector<double> all = ends_anew ? values : std::vector<double>{};
    values.erase(values.begin() + width * (cut.first + passage.count), values.end());
    values.erase(values.begin(), values.begin() + width * cut.first);
    if (width != 1) continue;
    if (ends_anew) {
      EndAsBefore(feature.name, all, static_cast<size_t>(cut.first + passage.count), values);
    }
    for (size_t k = 0; k < values.size(); ++k) {
      const auto row = static_cast<int64_t>(k);
      const bool last = row + 1 == passage.count;
      double& v = values[k];
      if (feature.name == "episode_index") v = static_cast<double>(number_);
      if (feature.name == "index") v = static_cast<double>(index_ + row);
      if (IsTaskNumber(feature)) {
        const auto text = from.folder.tasks.find(static_cast<int64_t>(v));
        if (given && tells_task[f]) {
          v = static_cast<double>(*given);
        } else if (text != from.folder.tasks.end()) {
          v = static_cast<double>(TaskNumber(text->second));
        }
      }
      // rows that were cut began and ended elsewhere
      if (!passage.whole && feature.name == "frame_index") v = static_cast<double>(row);
      if (!passage.whole && feature.name == "timestamp") v = static_cast<double>(row) / common_.fps;
      if (cut.success && feature.name == kSuccess) v = last && *cut.success ? 1 : 0;
    }
  }
  return passage;
}

void LerobotCopier::CopyRows(const Passage& passage) {
  RowsToCopy rows{.first = passage.episode.first_row + passage.cut.first,
                  .count = passage.count,
                  .pictures = common_.pictures,
                  .folder = passage.from.folder.path};
  if (!passage.episode.order.empty()) {
    const auto begin = passage.episode.order.begin() + passage.cut.first;
    rows.first = passage.episode.first_row;
    rows.order.assign(begin, begin + passage.count);
  }
  for (size_t f = 0; f < common_.features.size(); ++f) {
    const LerobotFeature& feature = common_.features[f];
    const std::string& name = feature.name;
    const bool mended = passage.from.folder.mended && name == "timestamp";
    const bool cut =
        name == "frame_index" || name == "timestamp" || (TellsEnding(name) && feature.width() == 1);
    if (name == "episode_index" || name == "index" || IsTaskNumber(feature) || mended ||
        (cut && !passage.whole) || (passage.cut.success && name == kSuccess)) {
      rows.replaced[name] = passage.values[f];
    }
  }
  if (!open_ || open_->file() != passage.episode.data) {
    open_.reset();
    open_.emplace(passage.episode.data);
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
  if (!data_->Append(*open_, rows)) {
    // other columns than the file so far
    end();
    begin();
    data_->Append(*open_, rows);
  }
  if (!v3_) end();
}

void LerobotCopier::EncodeAnew(const LerobotFolder& folder, size_t film,
                               const LerobotEpisode::Place& from, const fs::path& to,
                               int64_t count) {
  VideoReader reader(from.file);
  VideoWriter writer(to, FilmOptions(options_, common_.fps));
  for (int64_t k = 0; k < count; ++k) writer.Add({reader.Read(folder.FrameOf(from, k))});
  writer.Finish();
  anew_[film] = writer.report();
}

LerobotCopier::FilmPlace LerobotCopier::CopyFilm(const Passage& passage, size_t film) {
  const LerobotEpisode::Place& place = passage.episode.films[film];
  const VideoReader& reader = passage.from.pictures.Open(passage.episode, film);
  sizes_.Add(film, reader.width(), reader.height());
  bool timed = true;
  try {
    reader.RequireTimes(common_.fps, 0, "");
  } catch (const Error&) {
    timed = false;  // the option lets it pass
  }
  const std::string& key = common_.films[film];
  const auto copy = [&](const fs::path& to, int64_t first, int64_t count, bool as_it_is) {
    fs::create_directories(to.parent_path());
    ++video_files_;
    if (!as_it_is) {
      return EncodeAnew(passage.from.folder, film, {place.file, first}, to, count);
    }
    std::error_code problem;
    fs::copy_file(place.file, to, problem);
    if (problem)
      ThrowFailed(fmt::format("{}: cannot be written: {}", to.string(), problem.message()));
  };
  if (!v3_) {
    const bool alone =
        passage.from.shares.at(place.file) == 1 && place.first_frame == 0 && passage.whole;
    copy(part_ / "videos" / Chunk() / key / (Name() + ".mp4"),
         place.first_frame + passage.cut.first, passage.count, alone && timed);
    return {};
  }
  auto& files = film_files_[film];
  const std::pair original(static_cast<const Source*>(&passage.from), place.file);
  auto known = files.find(original);
  if (known == files.end()) {
    const FileIndex index{static_cast<int64_t>(files.size())};
    const LerobotFolder& folder = passage.from.folder;
    const int64_t used = folder.frames.at(place.file);
    // of episodes that are left out the film may lack frames
    const int64_t frames =
        folder.matched.contains(place.file) ? used : std::min(used, reader.frames());
    copy(part_ / "videos" / key / index.Name("mp4"), 0, frames, timed);
    known = files.emplace(original, index).first;
  }
  return {known->second, place.first_frame + passage.cut.first};
}

std::optional<ShapedStatistics> LerobotCopier::StoredPictures(const Passage& passage,
                                                              size_t camera) {
  const std::string& key = KeyOf(camera);
  const size_t width = common_.depths.contains(key) ? 1 : 3;
  try {
    const std::optional<StoredStatistics> stored =
        passage.from.stored.OfEpisode(passage.episode.number, key, width);
    if (!stored) return std::nullopt;
    const auto get = [&](const char* name) {
      const auto found = stored->find(name);
      const bool sound = found != stored->end() && found->second.size() == width &&
                         std::all_of(found->second.begin(), found->second.end(),
                                     [](double v) { return std::isfinite(v); });
      return sound ? found->second : std::vector<double>{};
    };
    ShapedStatistics entry{{get("min"), get("max"), get("mean"), get("std"), get("q01"), get("q10"),
                            get("q50"), get("q90"), get("q99"), 0},
                           {static_cast<int>(width), 1, 1}};
    FeatureStatistics& s = entry.values;
    if (s.min.empty() || s.max.empty() || s.mean.empty() || s.std.empty()) return std::nullopt;
    const auto count = stored->find("count");
    const bool counted = count != stored->end() && !count->second.empty() && count->second[0] >= 1;
    s.count = counted ? static_cast<int64_t>(count->second[0]) : passage.count;
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

ShapedStatistics LerobotCopier::PictureStatistics(const Passage& passage, size_t camera) {
  if (passage.whole) {
    if (std::optional<ShapedStatistics> stored = StoredPictures(passage, camera)) return *stored;
  }
  if (!with_quantiles_[camera]) with_quantiles_[camera] = true;
  ImageStatistics pictures;
  const size_t films = common_.films.size();
  for (int64_t k = 0; k < passage.count; k += PictureStride(passage.count)) {
    const int64_t row = passage.cut.first + k;
    pictures.Add(camera < films
                     ? passage.from.pictures.Read(passage.episode, camera, row)
                     : passage.from.rows.ReadPicture(passage.episode, KeyOf(camera), row));
  }
  ShapedStatistics entry{pictures.Result(), {3, 1, 1}};
  FeatureStatistics& s = entry.values;
  if (!*with_quantiles_[camera]) s.q01 = s.q10 = s.q50 = s.q90 = s.q99 = {};
  if (!common_.depths.contains(KeyOf(camera))) return entry;
  // three equal colours
  for (auto* values : {&s.min, &s.max, &s.mean, &s.std, &s.q01, &s.q10, &s.q50, &s.q90, &s.q99}) {
    if (!values->empty()) values->resize(1);
  }
  entry.dims[0] = 1;
  return entry;
}

std::map<std::string, ShapedStatistics> LerobotCopier::Statistics(const Passage& passage) {
  std::map<std::string, ShapedStatistics> entries;
  for (size_t f = 0; f < common_.features.size(); ++f) {
    const LerobotFeature& feature = common_.features[f];
    const auto width = static_cast<std::ptrdiff_t>(feature.width());
    VectorStatistics own(static_cast<int>(width), width <= kWidestQuantiles);
    const std::vector<double>& values = passage.values[f];
    for (auto at = values.begin(); at != values.end(); at += width) {
      const std::vector<double> row(at, at + width);
      own.Add(row);
      totals_[f].Add(row);
    }
    entries[feature.name] = {own.Result(), {feature.shape.begin(), feature.shape.end()}};
  }
  for (size_t c = 0; c < picture_totals_.size(); ++c) {
    const ShapedStatistics entry = PictureStatistics(passage, c);
    picture_totals_[c].Add(entry);
    entries[KeyOf(c)] = entry;
  }
  return entries;
}

// Each once, in the order in which the rows have them.
std::vector<std::string> LerobotCopier::TasksOf(const Passage& passage) const {
  std::vector<std::string> tasks;
  const LerobotFeature* feature = common_.Find("task_index");
  if (feature == nullptr || feature->width() != 1) return tasks;
  for (const double v : common_.Of(*feature, passage.values)) {
    const std::string& text = tasks_.at(static_cast<size_t>(v));
    if (std::find(tasks.begin(), tasks.end(), text) == tasks.end()) tasks.push_back(text);
  }
  return tasks;
}

void LerobotCopier::Copy(size_t folder, const LerobotEpisode& episode, const EpisodeCut& cut) {
  const Passage passage = Read(*sources_.at(folder), episode, cut);
  CopyRows(passage);
  std::vector<FilmPlace> films;
  for (size_t f = 0; f < common_.films.size(); ++f) films.push_back(CopyFilm(passage, f));
  for (size_t c = films.size(); c < picture_totals_.size(); ++c) {
    const Image first = passage.from.rows.ReadPicture(episode, KeyOf(c), cut.first);
    sizes_.Add(c, first.width, first.height);
  }
  const std::map<std::string, ShapedStatistics> statistics = Statistics(passage);
  std::vector<std::string> tasks = TasksOf(passage);
  if (tasks.empty()) tasks = episode.tasks;
  if (v3_) {
    table_->Begin();
    table_->Int("episode_index", number_);
    table_->Texts("tasks", tasks);
    table_->Int("length", passage.count);
    table_->Int("data/chunk_index", data_file_.chunk());
    table_->Int("data/file_index", data_file_.file());
    table_->Int("dataset_from_index", index_);
    table_->Int("dataset_to_index", index_ + passage.count);
    for (size_t f = 0; f < films.size(); ++f) {
      const std::string key = "videos/" + common_.films[f];
      const auto seconds = [&](int64_t frame) { return static_cast<double>(frame) / common_.fps; };
      table_->Int(key + "/chunk_index", films[f].file.chunk());
      table_->Int(key + "/file_index", films[f].file.file());
      table_->Double(key + "/from_timestamp", seconds(films[f].first_frame));
      table_->Double(key + "/to_timestamp", seconds(films[f].first_frame + passage.count));
    }
    for (const auto& [feature, entry] : statistics) {
      table_->Statistics(feature, entry.values, entry.dims);
    }
    table_->Int("meta/episodes/chunk_index", 0);
    table_->Int("meta/episodes/file_index", 0);
    table_->End();
  } else {
    list_->Add({{"episode_index", number_}, {"tasks", tasks}, {"length", passage.count}});
    Json stats = Json::object();
    for (const auto& [feature, entry] : statistics)
      stats[feature] = StatisticsJson(entry.values, entry.dims);
    statistics_->Add({{"episode_index", number_}, {"stats", stats}});
  }
  ++number_;
  index_ += passage.count;
}

void LerobotCopier::WriteTasks() const {
  if (!v3_) {
    JsonLines lines(part_ / "meta/tasks.jsonl");
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

void LerobotCopier::WriteInfo() const {
  Json info = common_.info;
  info["codebase_version"] = v3_ ? "v3.0" : "v2.1";
  info["total_episodes"] = number_;
  info["total_frames"] = index_;
  info["total_tasks"] = tasks_.size();
  info["chunks_size"] = kFilesPerChunk;
  info["splits"] = splits_;
  const bool films = !common_.films.empty();
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
  for (size_t c = 0; c < picture_totals_.size(); ++c) {
    sizes_.Correct(c, &info["features"][KeyOf(c)]);
  }
  for (size_t f = 0; f < anew_.size(); ++f) {
    if (!anew_[f]) continue;
    Json& feature = info["features"][common_.films[f]];
    feature["info"] = FilmFeature(*anew_[f], 0)["info"];
    feature["info"]["video.fps"] = common_.info["fps"];
  }
  WriteTextAtomically(part_ / "meta/info.json", info.dump(4) + "\n");
}

// What lies beside the lists: modality.json, the dataset's card.
void LerobotCopier::CopyOtherFiles() const {
  std::error_code none;
  for (const char* folder : {"", "meta"}) {
    for (const auto& entry : fs::directory_iterator(common_.path / folder, none)) {
      const std::string name = entry.path().filename().string();
      if (!entry.is_regular_file(none) || IsMadeAnew(name)) continue;
      std::error_code problem;
      const fs::path to = part_ / folder / name;
      if (common_.mended && fs::path(folder) / name == "meta/modality.json") {
        Json sound;
        if (!ModalityFaults(common_, &sound).empty()) {
          if (!sound.is_null()) WriteTextAtomically(to, sound.dump(4) + "\n");
          continue;
        }
      }
      fs::copy_file(entry.path(), to, problem);
      if (problem)
        ThrowFailed(fmt::format("{}: cannot be written: {}", to.string(), problem.message()));
    }
  }
}

void LerobotCopier::Finish(LerobotReport& report) {
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
    const LerobotFeature& feature = common_.features[f];
    all[feature.name] =
        StatisticsJson(totals_[f].Result(), {feature.shape.begin(), feature.shape.end()});
  }
  for (size_t c = 0; c < picture_totals_.size(); ++c) {
    const ShapedStatistics total = picture_totals_[c].Result();
    all[KeyOf(c)] = StatisticsJson(total.values, total.dims);
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

}  // namespace understudy
