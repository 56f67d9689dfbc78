// LeRobot datasets of other people, in robomimic's layout: nothing is made up.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/geometry/pose.h"
#include "data/formats/family/bare_dataset.h"
#include "data/formats/lerobot/feature_names.h"
#include "data/formats/lerobot/lerobot_import_parts.h"
#include "data/formats/lerobot/lerobot_rows.h"
#include "data/formats/lerobot/lerobot_source.h"
#include "data/formats/lerobot/named_arms.h"
#include "data/formats/lerobot/not_carried.h"
#include "data/formats/lerobot/whole_numbers.h"

namespace understudy {
namespace {

// As robomimic's files have them.
constexpr const char* kRewardType = "float64";
constexpr const char* kDoneType = "uint8";

ColumnType TypeOf(const std::string& dtype) {
  using enum ColumnType;
  static const std::map<std::string, ColumnType> types{
      {"float16", kF32}, {"float32", kF32}, {"float64", kF64}, {"bool", kBool},
      {"int8", kI8},     {"int16", kI16},   {"int32", kI32},   {"int64", kI64},
      {"uint8", kU8},    {"uint16", kU16},  {"uint32", kU32},  {"uint64", kU64}};
  return types.at(dtype);
}

template <class T>
void PushAs(const std::vector<double>& values, Column& column) {
  for (const double v : values) column.Push(static_cast<T>(v));
}

Column ColumnOf(const std::string& path, const std::string& dtype, const std::vector<size_t>& dims,
                size_t rows, const std::vector<double>& values) {
  Column column(path, TypeOf(dtype), dims);
  column.rows = rows;
  column.half = dtype == "float16";
  column.bytes.reserve(values.size() * BytesOf(column.type));
  switch (column.type) {
    case ColumnType::kF64:
      PushAs<double>(values, column);
      break;
    case ColumnType::kF32:
      PushAs<float>(values, column);
      break;
    case ColumnType::kU8:
    case ColumnType::kBool:
      PushAs<uint8_t>(values, column);
      break;
    case ColumnType::kI8:
      PushAs<int8_t>(values, column);
      break;
    case ColumnType::kI16:
      PushAs<int16_t>(values, column);
      break;
    case ColumnType::kU16:
      PushAs<uint16_t>(values, column);
      break;
    case ColumnType::kI32:
      PushAs<int32_t>(values, column);
      break;
    case ColumnType::kU32:
      PushAs<uint32_t>(values, column);
      break;
    case ColumnType::kI64:
      PushAs<int64_t>(values, column);
      break;
    case ColumnType::kU64:
      PushAs<uint64_t>(values, column);
      break;
  }
  return column;
}

// Where a feature goes; empty: its place in the dataset says it already.
std::string PathOf(const LerobotFolder& folder, const LerobotFeature& of) {
  const std::string& feature = of.name;
  if (&of == folder.Action()) return "actions";
  if (&of == folder.State()) return "obs/state";
  if (feature == "next.reward") return "rewards";
  if (feature == "next.done") return "dones";
  if (feature == "frame_index" || feature == "episode_index" || feature == "index") return "";
  constexpr std::string_view kObservation = "observation.";
  if (feature.size() > kObservation.size() && feature.starts_with(kObservation)) {
    return "obs/" + AsMember(feature.substr(kObservation.size()));
  }
  return "lerobot/" + AsMember(feature);
}

class BareImport {
 public:
  BareImport(const LerobotFolder& folder, const LerobotImportOptions& options)
      : folder_(folder),
        rows_(folder, options.tolerance_s),
        pictures_(folder, options.tolerance_s),
        arms_(NamedArms(folder)),
        target_is_named_(TargetIsNamed(folder, arms_.size())),
        beyond_double_(FindBeyondDouble(folder)) {
    for (const std::string& name : CamerasOf(folder)) cameras_.push_back({name, 0, 0});
  }

  Json EnvArgs() const;
  void Import(const LerobotEpisode& episode, BareDatasetWriter& writer);
  // What was seen on the way, in words.
  void AddNotes(std::vector<std::string>& notes) const;

 private:
  std::vector<Column> Columns(const LerobotEpisode& episode, const LerobotRows& rows);
  void AddArms(size_t length, const LerobotRows& rows, std::vector<Column>& columns) const;
  Column Targets(size_t length, const std::vector<double>& values) const;
  std::vector<std::pair<std::string, std::vector<std::string>>> Texts(
      const LerobotRows& rows) const;
  void OpenFilms(const LerobotEpisode& episode);
  // Of the films first, then of the pictures in the Parquet files; into `images`.
  void ReadPictures(const LerobotEpisode& episode, int64_t row, std::vector<Image>& images);

  const LerobotFolder& folder_;
  LerobotRowReader rows_;
  LerobotPictures pictures_;
  std::vector<NamedArm> arms_;
  bool target_is_named_;
  const std::map<std::string, BeyondDouble> beyond_double_;
  std::vector<BareDatasetWriter::Camera> cameras_;  // films, pictures; sizes from the first on
  int64_t with_several_tasks_ = 0;
  bool unbounded_ = false;  // an action has left [-1, 1]
};

Json BareImport::EnvArgs() const {
  Json names = Json::array();
  for (const BareDatasetWriter::Camera& camera : cameras_) names.push_back(camera.name);
  const std::string task = folder_.tasks.empty() ? "" : folder_.tasks.begin()->second;
  Json kwargs{{"robots", folder_.robot},
              {"control_freq", folder_.fps},
              {"camera_names", names},
              {"lang", task}};
  // actions named as ours are robosuite's deltas; a stranger's seven numbers may be joints
  const auto by_deltas = [](const NamedArm& arm) { return !arm.by_joints; };
  if (!arms_.empty() && std::ranges::all_of(arms_, by_deltas)) {
    kwargs["controller_configs"] = {{"type", "OSC_POSE"}};
  }
  // type 2, robomimic's gym: what other programs' files say that have no environment for it
  return {{"env_name", TaskNameOf(folder_)},
          {"env_version", "LeRobot " + folder_.version},
          {"type", 2},
          {"env_kwargs", kwargs}};
}

// robosuite's names for numbers that are named as ours.
void BareImport::AddArms(size_t length, const LerobotRows& rows,
                         std::vector<Column>& columns) const {
  if (arms_.empty()) return;
  const LerobotFeature& state = *folder_.Find("observation.state");
  const std::vector<double>& values =
      rows.values[static_cast<size_t>(&state - folder_.features.data())];
  const size_t width = state.width();
  for (size_t a = 0; a < arms_.size(); ++a) {
    const NamedArm& arm = arms_[a];
    const auto add = [&](const char* name, size_t first, size_t count) {
      if (count == 0) return;
      std::vector<double> part;
      for (size_t k = 0; k < length; ++k) {
        const auto begin = values.begin() + static_cast<std::ptrdiff_t>(k * width + first);
        part.insert(part.end(), begin, begin + static_cast<std::ptrdiff_t>(count));
      }
      columns.push_back(
          ColumnOf(fmt::format("obs/robot{}_{}", a, name), state.dtype, {count}, length, part));
    };
    add("eef_pos", arm.state, 3);
    add("eef_quat", arm.state + 3, 4);
    add("joint_pos", arm.state + 7, arm.joints);
    add("gripper_qpos", arm.state + 7 + arm.joints, arm.fingers);
  }
}

// robomimic's absolute actions: position, rotation vector, gripper.
Column BareImport::Targets(size_t length, const std::vector<double>& values) const {
  Column column("actions_abs", ColumnType::kF64, {7 * arms_.size()});
  column.rows = length;
  for (size_t i = 0; i < values.size(); i += 8) {
    const double* v = values.data() + i;
    const Eigen::Quaterniond q(v[6], v[3], v[4], v[5]);
    const Eigen::Vector3d rotation =
        q.norm() > 1e-6 ? RotationLog(q.normalized()) : Eigen::Vector3d::Zero();
    for (int j = 0; j < 3; ++j) column.Push(v[j]);
    for (int j = 0; j < 3; ++j) column.Push(rotation[j]);
    column.Push(v[7]);
  }
  return column;
}

std::vector<Column> BareImport::Columns(const LerobotEpisode& episode, const LerobotRows& rows) {
  const auto length = static_cast<size_t>(episode.length);
  std::vector<Column> columns;
  for (size_t f = 0; f < folder_.features.size(); ++f) {
    const LerobotFeature& feature = folder_.features[f];
    const std::string path = PathOf(folder_, feature);
    if (path.empty()) continue;
    std::string dtype = feature.dtype;
    std::vector<size_t> dims = feature.shape;
    // one number per row is an array of rank 1, but for actions and observations
    const bool scalar = feature.width() == 1 && path != "actions" && !path.starts_with("obs/");
    if (scalar) dims.clear();
    if (path == "actions" && dims.empty()) dims = {1};
    if (path == "rewards") dtype = kRewardType;
    if (path == "dones") dtype = kDoneType;
    if (const auto beyond = beyond_double_.find(feature.name); beyond != beyond_double_.end()) {
      if (!beyond->second.int64_holds || dtype != feature.dtype) continue;  // NotInBare says it
      Column exact(path, TypeOf(dtype), dims);
      exact.rows = length;
      for (const int64_t v : rows_.ReadWhole(episode, feature)) exact.Push(v);
      columns.push_back(std::move(exact));
      continue;
    }
    columns.push_back(ColumnOf(path, dtype, dims, length, rows.values[f]));
    if (feature.name == "action.target" && target_is_named_) {
      columns.push_back(Targets(length, rows.values[f]));
    }
  }
  AddArms(length, rows, columns);
  if (folder_.Find("next.done") == nullptr) {
    std::vector<double> dones(length, 0);
    dones.back() = 1;
    columns.push_back(ColumnOf("dones", kDoneType, {}, length, dones));
  }
  return columns;
}

// A text per row: of the task where there are several, of the subtask, of features that are texts.
std::vector<std::pair<std::string, std::vector<std::string>>> BareImport::Texts(
    const LerobotRows& rows) const {
  std::vector<std::pair<std::string, std::vector<std::string>>> all;
  for (size_t i = 0; i < folder_.texts.size(); ++i) {
    if (!rows.texts[i].empty())
      all.emplace_back("lerobot/" + AsMember(folder_.texts[i]), rows.texts[i]);
  }
  const auto listed = [&](const char* column, const std::map<int64_t, std::string>& words,
                          const char* path) {
    const LerobotFeature* feature = folder_.Find(column);
    if (feature == nullptr || feature->width() != 1) return;
    std::vector<std::string> texts;
    for (const double number : folder_.Of(*feature, rows.values)) {
      const auto word = words.find(static_cast<int64_t>(number));
      texts.push_back(word == words.end() ? "" : word->second);
    }
    all.emplace_back(path, texts);
  };
  if (folder_.tasks.size() > 1) listed("task_index", folder_.tasks, kTaskTexts);
  if (!folder_.subtasks.empty()) listed("subtask_index", folder_.subtasks, "lerobot/subtasks");
  return all;
}

void BareImport::OpenFilms(const LerobotEpisode& episode) {
  for (size_t f = 0; f < folder_.films.size(); ++f) {
    const VideoReader& film = pictures_.Open(episode, f);
    RequireOneSize(
        {film.width(), film.height()},
        fmt::format("{}: episode {}: {}", film.file().string(), episode.number, folder_.films[f]),
        cameras_[f].width, cameras_[f].height);
  }
}

void BareImport::ReadPictures(const LerobotEpisode& episode, int64_t row,
                              std::vector<Image>& images) {
  images.resize(cameras_.size());
  for (size_t c = 0; c < cameras_.size(); ++c) {
    if (c < folder_.films.size()) {
      images[c] = pictures_.Read(episode, c, row);
      continue;
    }
    const std::string& key = folder_.pictures[c - folder_.films.size()];
    images[c] = rows_.ReadPicture(episode, key, row);
    RequireOneSize(
        {images[c].width, images[c].height},
        fmt::format("{}: episode {}, row {}: {}", episode.data.string(), episode.number, row, key),
        cameras_[c].width, cameras_[c].height);
  }
}

void BareImport::Import(const LerobotEpisode& episode, BareDatasetWriter& writer) {
  const LerobotRows rows = rows_.Read(episode);
  with_several_tasks_ += rows.several_tasks ? 1 : 0;
  const LerobotFeature* action = folder_.Action();
  for (const double v : rows.values[static_cast<size_t>(action - folder_.features.data())]) {
    unbounded_ |= std::abs(v) > 1;
  }
  std::optional<bool> success;
  const LerobotFeature* stored = folder_.Find("next.success");
  if (stored != nullptr && stored->width() == 1) {
    success = rows.values[static_cast<size_t>(stored - folder_.features.data())].back() != 0;
  }
  OpenFilms(episode);
  Json meta = Json::object();
  if (!rows.task.empty()) meta["lang"] = rows.task;
  // the first pictures give the sizes
  std::vector<Image> images;
  if (!cameras_.empty()) ReadPictures(episode, 0, images);
  writer.BeginEpisode(static_cast<size_t>(episode.length), Columns(episode, rows), cameras_, meta,
                      success);
  for (const auto& [path, texts] : Texts(rows)) writer.AddTexts(path, texts);
  for (int64_t row = 0; row < episode.length && !cameras_.empty(); ++row) {
    if (row > 0) ReadPictures(episode, row, images);
    std::vector<const Image*> row_of_images;
    for (const Image& image : images) row_of_images.push_back(&image);
    writer.AddFrames(row_of_images);
  }
  writer.EndEpisode();
}

void BareImport::AddNotes(std::vector<std::string>& notes) const {
  for (const std::string& column : rows_.unlisted()) {
    notes.push_back(column + ": a column that meta/info.json does not name, left out");
  }
  for (const std::string& feature : rows_.without_texts()) {
    notes.push_back(feature + ": has no column of texts, left out");
  }
  notes.insert(notes.end(), pictures_.notes().begin(), pictures_.notes().end());
  if (with_several_tasks_ > 0) {
    notes.push_back(
        fmt::format("{} episodes have several tasks: the first is their instruction, the text of "
                    "every row is in lerobot/tasks",
                    with_several_tasks_));
  }
  if (unbounded_) {
    notes.push_back(
        "actions leave [-1, 1]: they are kept as they are; robomimic and `understudy data verify` "
        "ask for normalised ones");
  }
  for (const BareDatasetWriter::Camera& camera : cameras_) {
    if (camera.width == cameras_[0].width && camera.height == cameras_[0].height) continue;
    notes.push_back("cameras have pictures of several sizes: this program reads one size only");
    break;
  }
}

}  // namespace

std::vector<std::string> NotInBare(const LerobotFolder& folder) {
  std::vector<std::string> lost;
  for (const std::string& feature : folder.unread) {
    lost.push_back(feature + ": neither numbers, texts nor pictures, left out");
  }
  for (const std::string& name : folder.depths) {
    lost.push_back(name +
                   ": one number per pixel (depth): of more than 8 bits the upper 8 are kept, in "
                   "three equal colours");
  }
  if (NamedArms(folder).empty()) {
    lost.push_back(
        "poses and joints: observation.state and action are not named as this program names them; "
        "they are kept as obs/state and actions");
  }
  if (folder.Find("next.reward") == nullptr) lost.push_back("rewards: there is no next.reward");
  if (folder.Find("next.success") == nullptr) {
    lost.push_back("success: there is no next.success");
  }
  for (const auto& [name, dtype] :
       {std::pair("next.reward", kRewardType), {"next.done", kDoneType}}) {
    const LerobotFeature* feature = folder.Find(name);
    if (feature == nullptr || feature->dtype == dtype) continue;
    lost.push_back(fmt::format("{}: {} becomes {}", name, feature->dtype, dtype));
  }
  for (const auto& [name, beyond] : FindBeyondDouble(folder)) {
    if (beyond.int64_holds) continue;
    lost.push_back(fmt::format("{}: {}, beyond 2^63: left out", name, beyond.first));
  }
  for (std::string& line : NotCarried(folder)) lost.push_back(std::move(line));
  lost.push_back(
      "no simulator states, model, clocks or uuids: the file is laid out as robomimic's, without "
      "/understudy");
  return lost;
}

void ImportBare(const LerobotFolder& folder, const std::filesystem::path& out,
                const LerobotImportOptions& options, Progress& progress,
                LerobotImportReport& report) {
  const LerobotFeature* action = folder.Action();
  if (action == nullptr || action->shape.size() > 1) {
    ThrowBadInput(fmt::format(
        "{}: has no feature 'action' (or 'actions') that is a list of numbers, which a dataset in "
        "robomimic's layout must have; `understudy data info` lists its columns",
        (folder.path / "meta/info.json").string()));
  }
  BareImport import(folder, options);
  BareDatasetWriter writer(out, import.EnvArgs(), options.overwrite);
  progress.Start("writing " + out.string(), static_cast<int64_t>(folder.episodes.size()),
                 "episodes");
  for (const LerobotEpisode& episode : folder.episodes) {
    if (InterruptRequested()) ThrowFailed(out.string() + ": interrupted, nothing was written");
    NamingSkipBad(!options.skip_bad, [&] { import.Import(episode, writer); });
    ++report.episodes;
    report.frames += episode.length;
    progress.Advance(report.episodes);
  }
  import.AddNotes(report.not_understood);
  writer.Finish();
}

}  // namespace understudy
