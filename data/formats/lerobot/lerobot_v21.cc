// LeRobot v2.1 as GR00T reads it: files of one episode, JSON lines, modality.json.

#include <fmt/format.h>

#include "core/base/error.h"
#include "data/formats/lerobot/film.h"
#include "data/formats/lerobot/json_lines.h"
#include "data/formats/lerobot/lerobot_layout.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

class LayoutV21 : public LerobotLayout {
 public:
  explicit LayoutV21(const LayoutSetup& setup)
      : setup_(setup),
        episodes_(setup.folder / "meta/episodes.jsonl"),
        statistics_(setup.folder / "meta/episodes_stats.jsonl"),
        reports_(setup.cameras.size()) {}

  void BeginEpisode(int64_t number) override { number_ = number; }

  void AddRows(const std::vector<ParquetColumn>& columns) override {
    ParquetWriter file(setup_.folder / "data" / Chunk() / (Name() + ".parquet"));
    file.Append(columns);
    file.Finish();
    ++data_files_;
  }

  void AddFrame(size_t camera, const Image& image) override {
    if (!film_ || camera != camera_) {
      FinishFilm();
      const fs::path folder =
          setup_.folder / "videos" / Chunk() / PictureKey(setup_.cameras[camera]);
      fs::create_directories(folder);
      film_ = std::make_unique<VideoWriter>(folder / (Name() + ".mp4"),
                                            FilmOptions(setup_.options, setup_.fps));
      camera_ = camera;
    }
    film_->Add({image});
  }

  void EndEpisode(const EpisodeEntry& entry) override {
    FinishFilm();
    episodes_.Add(
        {{"episode_index", entry.number}, {"tasks", entry.tasks}, {"length", entry.length}});
    Json stats = Json::object();
    for (const EpisodeEntry::Statistics& s : entry.statistics) {
      stats[s.feature] = StatisticsJson(s.values, s.dims);
    }
    statistics_.Add({{"episode_index", entry.number}, {"stats", stats}});
  }

  void Finish(const LayoutTotals& totals, LerobotReport& report) override {
    episodes_.Finish();
    statistics_.Finish();
    JsonLines tasks(setup_.folder / "meta/tasks.jsonl");
    for (size_t i = 0; i < totals.tasks.size(); ++i) {
      tasks.Add({{"task_index", i}, {"task", totals.tasks[i]}});
    }
    tasks.Finish();
    WriteTextAtomically(setup_.folder / "meta/modality.json", ModalityJson(setup_).dump(4) + "\n");
    WriteInfo(totals);
    report.data_files = data_files_;
    report.video_files = video_files_;
    for (const VideoReport& film : reports_) report.encoder = film.encoder;
  }

 private:
  std::string Chunk() const { return fmt::format("chunk-{:03d}", number_ / kFilesPerChunk); }
  std::string Name() const { return fmt::format("episode_{:06d}", number_); }

  void FinishFilm() {
    if (!film_) return;
    film_->Finish();
    reports_[camera_] = film_->report();
    film_.reset();
    ++video_files_;
  }

  void WriteInfo(const LayoutTotals& totals) const {
    Json features = totals.features;
    for (size_t c = 0; c < reports_.size(); ++c) {
      features[PictureKey(setup_.cameras[c])] = FilmFeature(reports_[c], setup_.fps);
    }
    const Json info{
        {"codebase_version", "v2.1"},
        {"robot_type", setup_.robot},
        {"total_episodes", totals.episodes},
        {"total_frames", totals.frames},
        {"total_tasks", totals.tasks.size()},
        {"total_videos", video_files_},
        {"total_chunks", (totals.episodes + kFilesPerChunk - 1) / kFilesPerChunk},
        {"chunks_size", kFilesPerChunk},
        {"fps", setup_.fps},
        {"splits", {{"train", fmt::format("0:{}", totals.episodes)}}},
        {"data_path", "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet"},
        {"video_path", reports_.empty() ? Json(nullptr)
                                        : Json("videos/chunk-{episode_chunk:03d}/{video_key}/"
                                               "episode_{episode_index:06d}.mp4")},
        {"features", features}};
    WriteTextAtomically(setup_.folder / "meta/info.json", info.dump(4) + "\n");
  }

  LayoutSetup setup_;
  JsonLines episodes_, statistics_;
  int64_t number_ = 0, data_files_ = 0, video_files_ = 0;
  std::unique_ptr<VideoWriter> film_;  // of camera_
  size_t camera_ = 0;
  std::vector<VideoReport> reports_;  // of each camera's last film
};

}  // namespace

std::unique_ptr<LerobotLayout> MakeLayoutV21(const LayoutSetup& setup) {
  return std::make_unique<LayoutV21>(setup);
}

Json ModalityJson(const LayoutSetup& setup) {
  Json state = Json::object(), action = Json::object(), video = Json::object();
  // numbers [start, end) of `feature`, which GR00T takes for float64 by default
  const auto slice = [](const char* feature, size_t start, size_t size, const char* dtype) {
    return Json{
        {"start", start}, {"end", start + size}, {"dtype", dtype}, {"original_key", feature}};
  };
  const auto rotation = [&](const char* feature, size_t arm) {
    Json json = slice(feature, 4 * arm, 4, "float32");
    json["rotation_type"] = "quaternion";
    return json;
  };
  const auto delta = [&](size_t start, size_t size) {
    Json json = slice("action", start, size, "float32");
    json["absolute"] = false;
    return json;
  };
  size_t at = 0, commanded = 0;
  for (size_t a = 0; a < setup.arms.size(); ++a) {
    const ArmShape& arm = setup.arms[a];
    const std::string name = arm.name + "_";
    const char* kState = "observation.state";
    state[name + "eef_position"] = slice(kState, at, 3, "float32");
    state[name + "eef_rotation"] = rotation("eef_rotation.state", a);
    if (arm.joints > 0) state[name + "joints"] = slice(kState, at + 7, arm.joints, "float32");
    if (arm.fingers > 0) {
      state[name + "gripper"] = slice(kState, at + 7 + arm.joints, arm.fingers, "float32");
    }
    at += 7 + arm.joints + arm.fingers;
    if (arm.commanded.empty()) {
      action[name + "eef_position_delta"] = delta(commanded, 3);
      action[name + "eef_rotation_delta"] = delta(commanded + 3, 3);
      commanded += 6;
    } else {
      action[name + "joints"] = slice("action", commanded, arm.joints, "float32");
      commanded += arm.joints;
    }
    action[name + "gripper"] = slice("action", commanded++, 1, "float32");
    action[name + "eef_position"] = slice("action.target", 8 * a, 3, "float64");
    action[name + "eef_rotation"] = rotation("eef_rotation.target", a);
  }
  for (const StoredPart& part : setup.state) {
    state[part.name] = slice("observation.state", part.first, part.size, "float32");
  }
  for (const StoredPart& part : setup.action) {
    action[part.name] = slice("action", part.first, part.size, "float32");
  }
  for (const std::string& camera : setup.cameras) {
    video[camera] = {{"original_key", PictureKey(camera)}};
  }
  return {{"state", state},
          {"action", action},
          {"video", video},
          {"annotation", {{"human.task_description", Json::object()}}}};
}

}  // namespace understudy
