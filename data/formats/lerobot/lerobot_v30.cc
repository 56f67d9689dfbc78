// LeRobot v3.0: files of many episodes.

#include <fmt/format.h>

#include "data/formats/lerobot/episode_table.h"
#include "data/formats/lerobot/film.h"
#include "data/formats/lerobot/lerobot_layout.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

class LayoutV30 : public LerobotLayout {
 public:
  explicit LayoutV30(const LayoutSetup& setup)
      : setup_(setup), episodes_(setup.folder / "meta/episodes/chunk-000/file-000.parquet") {
    for (const std::string& camera : setup.cameras) {
      films_.emplace_back(setup.folder / "videos" / PictureKey(camera), setup.options, setup.fps);
    }
    places_.resize(films_.size());
    BeginDataFile();
  }

  void BeginEpisode(int64_t) override {
    if (static_cast<double>(data_->bytes()) >= setup_.options.data_file_mb * 1e6) {
      data_->Finish();
      ++data_file_.number;
      BeginDataFile();
    }
    for (size_t c = 0; c < films_.size(); ++c) places_[c] = films_[c].BeginEpisode();
  }
  void AddRows(const std::vector<ParquetColumn>& columns) override { data_->Append(columns); }
  void AddFrame(size_t camera, const Image& image) override { films_[camera].Add(image); }

  void EndEpisode(const EpisodeEntry& entry) override {
    episodes_.Begin();
    episodes_.Int("episode_index", entry.number);
    episodes_.Texts("tasks", entry.tasks);
    episodes_.Int("length", entry.length);
    episodes_.Int("data/chunk_index", data_file_.chunk());
    episodes_.Int("data/file_index", data_file_.file());
    episodes_.Int("dataset_from_index", entry.first_index);
    episodes_.Int("dataset_to_index", entry.first_index + entry.length);
    const auto seconds = [&](int64_t frame) { return static_cast<double>(frame) / setup_.fps; };
    for (size_t c = 0; c < films_.size(); ++c) {
      const std::string key = "videos/" + PictureKey(setup_.cameras[c]);
      const Film::Place& place = places_[c];
      episodes_.Int(key + "/chunk_index", place.file.chunk());
      episodes_.Int(key + "/file_index", place.file.file());
      episodes_.Double(key + "/from_timestamp", seconds(place.first_frame));
      episodes_.Double(key + "/to_timestamp", seconds(place.first_frame + entry.length));
    }
    for (const EpisodeEntry::Statistics& s : entry.statistics) {
      episodes_.Statistics(s.feature, s.values, s.dims);
    }
    episodes_.Int("meta/episodes/chunk_index", 0);
    episodes_.Int("meta/episodes/file_index", 0);
    episodes_.End();
  }

  void Finish(const LayoutTotals& totals, LerobotReport& report) override {
    data_->Finish();
    episodes_.Finish();
    for (Film& film : films_) film.Finish();
    WriteTasks(totals.tasks);
    WriteInfo(totals);
    report.data_files = data_file_.number + 1;
    for (const Film& film : films_) {
      report.video_files += film.files();
      report.encoder = film.report().encoder;
    }
  }

 private:
  void BeginDataFile() {
    data_ = std::make_unique<ParquetWriter>(setup_.folder / "data" / data_file_.Name("parquet"));
  }

  void WriteTasks(const std::vector<std::string>& tasks) const {
    ParquetWriter file(setup_.folder / "meta/tasks.parquet", "task");
    std::vector<int64_t> numbers(tasks.size());
    for (size_t i = 0; i < tasks.size(); ++i) numbers[i] = static_cast<int64_t>(i);
    file.Append({{.name = "task_index", .values = numbers}, {.name = "task", .values = tasks}});
    file.Finish();
  }

  void WriteInfo(const LayoutTotals& totals) const {
    Json features = totals.features;
    for (size_t c = 0; c < films_.size(); ++c) {
      features[PictureKey(setup_.cameras[c])] = FilmFeature(films_[c].report(), setup_.fps);
    }
    const Json info{
        {"codebase_version", "v3.0"},
        {"robot_type", setup_.robot},
        {"total_episodes", totals.episodes},
        {"total_frames", totals.frames},
        {"total_tasks", totals.tasks.size()},
        {"chunks_size", kFilesPerChunk},
        {"data_files_size_in_mb", setup_.options.data_file_mb},
        {"video_files_size_in_mb", setup_.options.video_file_mb},
        {"fps", setup_.fps},
        {"splits", {{"train", fmt::format("0:{}", totals.episodes)}}},
        {"data_path", "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"},
        {"video_path", films_.empty() ? Json(nullptr)
                                      : Json("videos/{video_key}/chunk-{chunk_index:03d}/"
                                             "file-{file_index:03d}.mp4")},
        {"features", features}};
    WriteTextAtomically(setup_.folder / "meta/info.json", info.dump(4) + "\n");
  }

  LayoutSetup setup_;
  EpisodeTable episodes_;
  FileIndex data_file_;
  std::unique_ptr<ParquetWriter> data_;
  std::vector<Film> films_;
  std::vector<Film::Place> places_;
};

}  // namespace

std::unique_ptr<LerobotLayout> MakeLayoutV30(const LayoutSetup& setup) {
  return std::make_unique<LayoutV30>(setup);
}

}  // namespace understudy
