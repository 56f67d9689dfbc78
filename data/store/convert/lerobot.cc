#include "data/store/convert/lerobot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "data/base/error.h"
#include "data/store/convert/feature_statistics.h"
#include "data/store/convert/parquet_writer.h"
#include "data/store/files.h"
#include "data/store/video/video_writer.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kFilesPerChunk = 1000;
constexpr size_t kEpisodesPerRowGroup = 100;  // of meta/episodes

// The n-th file of a kind lies in a chunk of a thousand.
struct FileIndex {
  int64_t number = 0;
  int64_t chunk() const { return number / kFilesPerChunk; }
  int64_t file() const { return number % kFilesPerChunk; }
  std::string Name(const char* extension) const {
    return fmt::format("chunk-{:03d}/file-{:03d}.{}", chunk(), file(), extension);
  }
};

// One feature of info.json that is a column of numbers.
struct Feature {
  std::string name, dtype;
  std::vector<std::string> names;  // of its numbers; empty: a scalar
  std::vector<double> values;      // of the rows of one episode, row after row
  int width() const { return names.empty() ? 1 : static_cast<int>(names.size()); }
};

Feature Scalar(const char* name, const char* dtype) { return {name, dtype, {}, {}}; }

// The columns of an episode in the order of the file.
class FrameTable {
 public:
  explicit FrameTable(const SimulatorInfo& info) {
    std::vector<std::string> state, action, target;
    for (const std::string& arm : info.arms) {
      const auto add = [&](std::vector<std::string>& to, std::initializer_list<const char*> parts) {
        for (const char* part : parts) to.push_back(arm + "_" + part);
      };
      add(state, {"x", "y", "z", "qx", "qy", "qz", "qw"});
      for (size_t j = 0; j < info.joint_names.size(); ++j) {
        state.push_back(fmt::format("{}_joint{}", arm, j + 1));
      }
      for (size_t j = 0; j < info.gripper_joint_names.size(); ++j) {
        state.push_back(fmt::format("{}_finger{}", arm, j + 1));
      }
      add(action, {"dx", "dy", "dz", "drx", "dry", "drz", "gripper"});
      add(target, {"x", "y", "z", "qx", "qy", "qz", "qw", "gripper"});
    }
    features_ = {{"observation.state", "float32", state, {}},
                 {"action", "float32", action, {}},
                 {"action.target", "float64", target, {}},
                 Scalar("next.reward", "float32"),
                 Scalar("next.done", "bool"),
                 Scalar("next.success", "bool"),
                 Scalar("timestamp", "float32"),
                 Scalar("frame_index", "int64"),
                 Scalar("episode_index", "int64"),
                 Scalar("index", "int64"),
                 Scalar("task_index", "int64")};
  }

  std::vector<Feature>& features() { return features_; }

  void Fill(const Episode& episode, int64_t number, int64_t first_index, int64_t task, double fps) {
    for (Feature& feature : features_) feature.values.clear();
    for (size_t k = 0; k < episode.length(); ++k) {
      const Step& step = episode.steps[k];
      const bool last = k + 1 == episode.length();
      const Observation& next = last ? episode.final_observation : episode.steps[k + 1].observation;
      AddState(step.observation, features_[0].values);
      AddActions(step, features_[1].values, features_[2].values);
      const double row = static_cast<double>(k);
      const std::array<double, 8> scalars{next.success ? 1.0 : 0.0,
                                          last ? 1.0 : 0.0,
                                          next.success ? 1.0 : 0.0,
                                          row / fps,
                                          row,
                                          static_cast<double>(number),
                                          static_cast<double>(first_index) + row,
                                          static_cast<double>(task)};
      for (size_t i = 0; i < scalars.size(); ++i) features_[3 + i].values.push_back(scalars[i]);
    }
    for (const Feature& feature : features_) {
      Require(feature.values.size() == episode.length() * static_cast<size_t>(feature.width()),
              "every row has all numbers of a feature");
    }
  }

  std::vector<ParquetColumn> Columns() const {
    std::vector<ParquetColumn> columns;
    for (const Feature& feature : features_) {
      ParquetColumn column{.name = feature.name, .values = std::vector<float>{}};
      const std::vector<double>& v = feature.values;
      if (feature.dtype == "float32") column.values = std::vector<float>(v.begin(), v.end());
      if (feature.dtype == "float64") column.values = v;
      if (feature.dtype == "int64") column.values = std::vector<int64_t>(v.begin(), v.end());
      if (feature.dtype == "bool") {
        column.values = ParquetColumn::Bools{std::vector<uint8_t>(v.begin(), v.end())};
      }
      if (!feature.names.empty()) column.dims = {feature.width()};
      columns.push_back(std::move(column));
    }
    return columns;
  }

 private:
  static void AddPose(const Pose& X, std::vector<double>& to) {
    const Eigen::Quaterniond& q = X.rotation();
    for (int i = 0; i < 3; ++i) to.push_back(X.translation()[i]);
    for (const double v : {q.x(), q.y(), q.z(), q.w()}) to.push_back(v);
  }
  static void AddState(const Observation& observation, std::vector<double>& to) {
    for (const ArmObservation& arm : observation.arms) {
      AddPose(arm.X_WE, to);
      to.insert(to.end(), arm.joint_q.begin(), arm.joint_q.end());
      to.insert(to.end(), arm.gripper_q.begin(), arm.gripper_q.end());
    }
  }
  static void AddActions(const Step& step, std::vector<double>& delta,
                         std::vector<double>& target) {
    for (const DeltaAction& action : step.delta) {
      delta.insert(delta.end(), action.value.begin(), action.value.end());
    }
    for (const ArmAction& action : step.action.arms) {
      AddPose(action.X_WE_cmd, target);
      target.push_back(action.gripper);
    }
  }

  std::vector<Feature> features_;
};

// The film of one camera, in as many files as its size asks for.
class Film {
 public:
  struct Place {
    FileIndex file;
    int64_t first_frame = 0;  // of the episode in that file
  };
  Film(fs::path folder, const LerobotOptions& options, double fps)
      : folder_(std::move(folder)), options_(options), fps_(fps) {}

  Place BeginEpisode() {
    if (writer_ && Size() >= options_.video_file_mb * 1e6) {
      Finish();
      ++index_.number;
    }
    if (!writer_) {
      const fs::path file = folder_ / index_.Name("mp4");
      fs::create_directories(file.parent_path());
      const VideoOptions video{
          .fps = fps_, .quality = options_.quality, .gop = options_.gop, .preset = options_.preset};
      writer_ = std::make_unique<VideoWriter>(file, video);
      frames_ = 0;
      ++files_;
    }
    return {index_, frames_};
  }
  void Add(const Image& image) {
    writer_->Add({image});
    ++frames_;
  }
  void Finish() {
    if (!writer_) return;
    writer_->Finish();
    report_ = writer_->report();
    writer_.reset();
  }
  int64_t files() const { return files_; }
  const VideoReport& report() const { return report_; }

 private:
  double Size() const {
    std::error_code none;
    const auto bytes = fs::file_size(PartOf(folder_ / index_.Name("mp4")), none);
    return none ? 0 : static_cast<double>(bytes);
  }

  fs::path folder_;
  LerobotOptions options_;
  double fps_;
  FileIndex index_;
  int64_t frames_ = 0, files_ = 0;
  VideoReport report_;
  std::unique_ptr<VideoWriter> writer_;
};

// {min: …, …, q99: …} of a feature, each number in `dims` nested lists.
std::vector<std::pair<const char*, std::vector<double>>> NamedStatistics(
    const FeatureStatistics& s) {
  return {{"min", s.min}, {"max", s.max}, {"mean", s.mean}, {"std", s.std}, {"q01", s.q01},
          {"q10", s.q10}, {"q50", s.q50}, {"q90", s.q90},   {"q99", s.q99}};
}

Json StatisticsJson(const FeatureStatistics& statistics, bool picture) {
  Json json = Json::object();
  for (const auto& [name, values] : NamedStatistics(statistics)) {
    Json list = Json::array();
    for (const double value : values) {
      list.push_back(picture ? Json::array({Json::array({value})}) : Json(value));
    }
    json[name] = list;
  }
  json["count"] = {statistics.count};
  return json;
}

// Rows of meta/episodes, gathered to row groups.
class EpisodeTable {
 public:
  explicit EpisodeTable(const fs::path& file) : writer_(file) {}

  void Begin() { at_ = 0; }
  // Values in the same order for every episode.
  void Int(const std::string& name, int64_t value) {
    std::get<std::vector<int64_t>>(Next(name, std::vector<int64_t>{}).values).push_back(value);
  }
  void Double(const std::string& name, double value) {
    std::get<std::vector<double>>(Next(name, std::vector<double>{}).values).push_back(value);
  }
  void Texts(const std::string& name, const std::vector<std::string>& texts) {
    using Lists = std::vector<std::vector<std::string>>;
    std::get<Lists>(Next(name, Lists{}).values).push_back(texts);
  }
  void Statistics(const std::string& feature, const FeatureStatistics& statistics, bool picture) {
    for (const auto& [name, values] : NamedStatistics(statistics)) {
      const int size = static_cast<int>(values.size());
      ParquetColumn& column =
          Next(fmt::format("stats/{}/{}", feature, name), std::vector<double>{});
      column.dims = picture ? std::vector<int>{size, 1, 1} : std::vector<int>{size};
      auto& all = std::get<std::vector<double>>(column.values);
      all.insert(all.end(), values.begin(), values.end());
    }
    ParquetColumn& count = Next(fmt::format("stats/{}/count", feature), std::vector<int64_t>{});
    count.dims = {1};
    std::get<std::vector<int64_t>>(count.values).push_back(statistics.count);
  }
  void End() {
    if (++rows_ == kEpisodesPerRowGroup) Flush();
  }
  void Finish() {
    Flush();
    writer_.Finish();
  }

 private:
  template <class Values>
  ParquetColumn& Next(const std::string& name, const Values& empty) {
    if (at_ == columns_.size()) columns_.push_back({.name = name, .values = empty});
    Require(columns_[at_].name == name, "every episode has the same columns");
    return columns_[at_++];
  }
  void Flush() {
    if (rows_ == 0) return;
    writer_.Append(columns_);
    columns_.clear();
    rows_ = 0;
  }

  ParquetWriter writer_;
  std::vector<ParquetColumn> columns_;
  size_t at_ = 0, rows_ = 0;
};

Json FeaturesJson(const std::vector<Feature>& features, const std::vector<std::string>& cameras,
                  const std::vector<Film>& films, int fps) {
  Json json = Json::object();
  for (const Feature& feature : features) {
    json[feature.name] = {{"dtype", feature.dtype},
                          {"shape", {feature.width()}},
                          {"names", feature.names.empty() ? Json(nullptr) : Json(feature.names)}};
  }
  for (size_t c = 0; c < cameras.size(); ++c) {
    const VideoReport& film = films[c].report();
    const bool h264 = film.warning.empty();
    json["observation.images." + cameras[c]] = {{"dtype", "video"},
                                                {"shape", {film.height, film.width, 3}},
                                                {"names", {"height", "width", "channels"}},
                                                {"info",
                                                 {{"video.height", film.height},
                                                  {"video.width", film.width},
                                                  {"video.codec", h264 ? "h264" : "mpeg4"},
                                                  {"video.pix_fmt", "yuv420p"},
                                                  {"video.is_depth_map", false},
                                                  {"video.fps", fps},
                                                  {"video.channels", 3},
                                                  {"has_audio", false}}}};
  }
  return json;
}

// The dataset without its pictures: what a way back needs.
void WriteExtras(const DatasetReader& reader, const fs::path& folder) {
  fs::create_directories(folder);
  DatasetHeader header = reader.header();
  header.cameras.clear();
  header.image_width = header.image_height = 0;
  DatasetWriter writer(folder / "understudy.h5", header);
  Json cameras = Json::array();
  for (size_t i = 0; i < reader.episodes().size(); ++i) {
    writer.Append(reader.ReadEpisode(i, true));
    Json list = Json::array();
    for (const CameraParameters& camera : reader.ReadCameras(i)) {
      list.push_back({{"width", camera.width},
                      {"height", camera.height},
                      {"fovy_deg", camera.fovy_deg},
                      {"X_WC", ToJson(camera.X_WC)}});
    }
    cameras.push_back(list);
  }
  for (const AttemptRecord& attempt : reader.attempts()) writer.AppendAttempt(attempt);
  for (const std::string& key : reader.MaskNames()) writer.WriteMask(key, reader.ReadMask(key));
  writer.WriteReport({{"lerobot_of", reader.content_hash()},
                      {"cameras", reader.header().cameras},
                      {"camera_parameters", cameras}});
  writer.Finish();
}

// A folder that is removed unless it was kept.
class PartFolder {
 public:
  explicit PartFolder(fs::path path) : path_(std::move(path)) {
    fs::remove_all(path_);
    fs::create_directories(path_ / "meta");
  }
  ~PartFolder() {
    std::error_code none;
    if (!kept_) fs::remove_all(path_, none);
  }
  PartFolder(const PartFolder&) = delete;
  PartFolder& operator=(const PartFolder&) = delete;
  void KeepAs(const fs::path& name) {
    RenameDurably(path_, name);
    kept_ = true;
  }

 private:
  fs::path path_;
  bool kept_ = false;
};

int WholeRate(const DatasetReader& reader) {
  const double rate = reader.header().simulator.control_hz;
  if (rate < 1 || std::round(rate) != rate) {
    ThrowBadInput(fmt::format("{}: {} rows per second: LeRobot knows whole numbers only",
                              reader.path().string(), rate));
  }
  return static_cast<int>(rate);
}

}  // namespace

std::vector<std::string> LostInLerobot(const DatasetReader& reader, const LerobotOptions& options) {
  std::vector<std::string> lost;
  if (!reader.header().cameras.empty()) {
    lost.push_back(
        fmt::format("pictures: H.264 of rate factor {} keeps them nearly", options.quality));
  }
  if (!options.extras) {
    lost.push_back("states of the simulator, model, signals, labels and clean actions");
    lost.push_back("raw device samples and clocks");
    lost.push_back("uuids, parents, seeds, draws, causes of failure, quality, camera parameters");
    if (!reader.MaskNames().empty()) lost.push_back("filter keys");
    if (!reader.attempts().empty()) lost.push_back("the table of attempts");
  }
  return lost;
}

LerobotReport WriteLerobot(const DatasetReader& reader, const fs::path& folder,
                           const LerobotOptions& options, Progress& progress) {
  const int fps = WholeRate(reader);
  const std::vector<std::string>& cameras = reader.header().cameras;
  if (reader.episodes().empty()) ThrowBadInput(reader.path().string() + ": holds no episode");
  if (fs::exists(folder) && !options.overwrite) {
    ThrowUsage(
        fmt::format("{}: exists already; choose another name, or say --overwrite to replace "
                    "it",
                    folder.string()));
  }
  const fs::path part = PartOf(folder);
  PartFolder part_folder(part);

  FrameTable table(reader.header().simulator);
  std::vector<VectorStatistics> totals;
  for (const Feature& feature : table.features()) totals.emplace_back(feature.width());
  std::vector<ImageStatistics> picture_totals(cameras.size());
  std::vector<Film> films;
  for (const std::string& camera : cameras) {
    films.emplace_back(part / "videos" / ("observation.images." + camera), options, fps);
  }
  EpisodeTable episodes(part / "meta/episodes/chunk-000/file-000.parquet");
  std::vector<std::string> tasks;
  FileIndex data_file;
  auto data = std::make_unique<ParquetWriter>(part / "data" / data_file.Name("parquet"));
  LerobotReport report;
  report.data_files = 1;
  const auto count = static_cast<int64_t>(reader.episodes().size());
  progress.Start("writing " + folder.string(), count, "episodes");
  for (int64_t e = 0; e < count; ++e) {
    if (InterruptRequested()) ThrowFailed(folder.string() + ": interrupted, nothing was written");
    const Episode episode = reader.ReadEpisode(static_cast<size_t>(e));
    const auto length = static_cast<int64_t>(episode.length());
    // equal instructions are one task
    const std::string instruction = episode.meta.instruction.empty()
                                        ? reader.header().simulator.instruction
                                        : episode.meta.instruction;
    if (instruction.empty()) {
      ThrowBadInput(
          fmt::format("{}: {} has no instruction, LeRobot's task: give it one by "
                      "`understudy data relabel`",
                      reader.path().string(), episode.meta.name));
    }
    const auto known = std::find(tasks.begin(), tasks.end(), instruction);
    const auto task = static_cast<int64_t>(known - tasks.begin());
    if (known == tasks.end()) tasks.push_back(instruction);

    // numbers
    if (static_cast<double>(data->bytes()) >= options.data_file_mb * 1e6) {
      data->Finish();
      ++data_file.number;
      ++report.data_files;
      data = std::make_unique<ParquetWriter>(part / "data" / data_file.Name("parquet"));
    }
    table.Fill(episode, e, report.frames, task, fps);
    data->Append(table.Columns());

    episodes.Begin();
    episodes.Int("episode_index", e);
    episodes.Texts("tasks", {instruction});
    episodes.Int("length", length);
    episodes.Int("data/chunk_index", data_file.chunk());
    episodes.Int("data/file_index", data_file.file());
    episodes.Int("dataset_from_index", report.frames);
    episodes.Int("dataset_to_index", report.frames + length);
    for (size_t f = 0; f < table.features().size(); ++f) {
      const Feature& feature = table.features()[f];
      VectorStatistics own(feature.width());
      for (size_t k = 0; k < episode.length(); ++k) {
        const auto at = feature.values.begin() +
                        static_cast<std::ptrdiff_t>(k * static_cast<size_t>(feature.width()));
        const std::vector<double> row(at, at + feature.width());
        own.Add(row);
        totals[f].Add(row);
      }
      episodes.Statistics(feature.name, own.Result(), false);
    }

    // pictures
    const int64_t stride = PictureStride(length);
    for (size_t c = 0; c < cameras.size(); ++c) {
      const std::string key = "observation.images." + cameras[c];
      const Film::Place place = films[c].BeginEpisode();
      ImageStatistics own;
      for (int64_t k = 0; k < length; ++k) {
        const Image image =
            reader.ReadImage(static_cast<size_t>(e), cameras[c], static_cast<size_t>(k));
        films[c].Add(image);
        if (k % stride != 0) continue;
        own.Add(image);
        picture_totals[c].Add(image);
      }
      const auto seconds = [&](int64_t frame) { return static_cast<double>(frame) / fps; };
      episodes.Int("videos/" + key + "/chunk_index", place.file.chunk());
      episodes.Int("videos/" + key + "/file_index", place.file.file());
      episodes.Double("videos/" + key + "/from_timestamp", seconds(place.first_frame));
      episodes.Double("videos/" + key + "/to_timestamp", seconds(place.first_frame + length));
      episodes.Statistics(key, own.Result(), true);
    }
    episodes.Int("meta/episodes/chunk_index", 0);
    episodes.Int("meta/episodes/file_index", 0);
    episodes.End();
    report.frames += length;
    progress.Advance(e + 1);
  }
  data->Finish();
  episodes.Finish();
  for (Film& film : films) film.Finish();

  // tasks, statistics and what all of it means
  ParquetWriter task_file(part / "meta/tasks.parquet", "task");
  std::vector<int64_t> numbers(tasks.size());
  for (size_t i = 0; i < tasks.size(); ++i) numbers[i] = static_cast<int64_t>(i);
  task_file.Append({{.name = "task_index", .values = numbers}, {.name = "task", .values = tasks}});
  task_file.Finish();
  Json stats = Json::object();
  for (size_t f = 0; f < table.features().size(); ++f) {
    stats[table.features()[f].name] = StatisticsJson(totals[f].Result(), false);
  }
  for (size_t c = 0; c < cameras.size(); ++c) {
    stats["observation.images." + cameras[c]] = StatisticsJson(picture_totals[c].Result(), true);
    report.video_files += films[c].files();
    report.encoder = films[c].report().encoder;
  }
  WriteTextAtomically(part / "meta/stats.json", stats.dump(4) + "\n");
  const Json info{
      {"codebase_version", "v3.0"},
      {"robot_type", reader.header().simulator.robot},
      {"total_episodes", count},
      {"total_frames", report.frames},
      {"total_tasks", tasks.size()},
      {"chunks_size", kFilesPerChunk},
      {"data_files_size_in_mb", options.data_file_mb},
      {"video_files_size_in_mb", options.video_file_mb},
      {"fps", fps},
      {"splits", {{"train", fmt::format("0:{}", count)}}},
      {"data_path", "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"},
      {"video_path", cameras.empty() ? Json(nullptr)
                                     : Json("videos/{video_key}/chunk-{chunk_index:03d}/"
                                            "file-{file_index:03d}.mp4")},
      {"features", FeaturesJson(table.features(), cameras, films, fps)}};
  WriteTextAtomically(part / "meta/info.json", info.dump(4) + "\n");
  if (options.extras && !reader.content_hash().empty()) WriteExtras(reader, part / "extras");

  if (options.overwrite) fs::remove_all(folder);
  part_folder.KeepAs(folder);
  report.episodes = count;
  progress.Finish(fmt::format("{} frames", report.frames));
  return report;
}

}  // namespace understudy
