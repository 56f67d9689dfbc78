#include "data/formats/lerobot/lerobot_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/base/options.h"
#include "data/formats/lerobot/feature_names.h"
#include "data/formats/lerobot/folder_checks.h"
#include "data/formats/lerobot/lerobot_import.h"
#include "data/formats/lerobot/lerobot_tables.h"
#include "data/formats/lerobot/mend_folder.h"
#include "data/formats/lerobot/picture_shape.h"
#include "data/formats/parquet/parquet_reader.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMaxFeatures = 1000;
constexpr size_t kMaxCameras = 64;
constexpr size_t kMaxWidth = 1'000'000;    // numbers in a row of one feature
constexpr int64_t kMaxLength = 1'000'000;  // rows of an episode

const std::vector<std::string>& KnownVersions() {
  static const std::vector<std::string> versions{"v2.0", "v2.1", "v3.0"};
  return versions;
}

// Value of a key of info.json.
template <class T>
T Field(const Json& object, const char* key, const std::string& place, Limits limits = {}) {
  if (!object.is_object() || !object.contains(key)) {
    ThrowBadInput(fmt::format("{}: '{}' is missing", place, key));
  }
  T value{};
  Problems problems;
  ReadJson(object[key], value, key, limits, problems);
  if (!problems.empty()) ThrowBadInput(fmt::format("{}: {}", place, fmt::join(problems, "; ")));
  return value;
}

// Whether a name may become a path within the folder.
bool IsPlainName(const std::string& name) {
  if (name.size() >= 256 || name.find('\\') != std::string::npos ||
      name.find('\0') != std::string::npos) {
    return false;
  }
  for (size_t begin = 0; begin <= name.size();) {
    const size_t end = std::min(name.find('/', begin), name.size());
    const std::string part = name.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") return false;
    begin = end + 1;
  }
  return true;
}

void ReadFeatures(const Json& info, const std::string& place, LerobotFolder& folder) {
  const Json features = Field<Json>(info, "features", place);
  if (!features.is_object() || features.size() > kMaxFeatures) {
    ThrowBadInput(
        fmt::format("{}: 'features' must be a mapping of at most {}", place, kMaxFeatures));
  }
  for (const auto& [name, json] : features.items()) {
    const std::string at = fmt::format("{}: feature '{}'", place, name);
    LerobotFeature feature;
    feature.name = name;
    feature.dtype = Field<std::string>(json, "dtype", at);
    const bool pictures = feature.dtype == "video" || feature.dtype == "image";
    if (!IsPlainName(name)) {
      const char* why = "a name holds no '\\' and leads nowhere: parts like '..' are refused";
      if (pictures) ThrowBadInput(fmt::format("{}: {}", at, why));
      folder.unread.push_back(fmt::format("{} ({})", name, why));
      continue;
    }
    if (pictures) {
      (feature.dtype == "video" ? folder.films : folder.pictures).push_back(name);
      if (IsDepth(json)) folder.depths.insert(name);
      folder.sizes[name] = SizeIn(json);
      continue;
    }
    if (feature.dtype == "string" || feature.dtype == "large_string") {
      folder.texts.push_back(name);
      continue;
    }
    if (!IsDtype(feature.dtype)) {
      folder.unread.push_back(fmt::format("{} ({})", name, feature.dtype));
      continue;
    }
    feature.shape =
        Field<std::vector<size_t>>(json, "shape", at, {0, static_cast<double>(kMaxWidth)});
    size_t width = 1;
    for (const size_t n : feature.shape) {
      width *= n;
      if (width > kMaxWidth) {
        ThrowBadInput(fmt::format("{}: more than {} numbers in a row", at, kMaxWidth));
      }
    }
    if (width == 0) {
      folder.unread.push_back(fmt::format("{} (no number in a row)", name));
      continue;
    }
    feature.names = NamesOfNumbers(json, width, at, folder.notes);
    folder.features.push_back(std::move(feature));
  }
  if (folder.films.size() + folder.pictures.size() > kMaxCameras) {
    ThrowBadInput(fmt::format("{}: {} cameras; at most {} are allowed", place,
                              folder.films.size() + folder.pictures.size(), kMaxCameras));
  }
}

void CheckTotals(const Json& info, const std::string& place, LerobotFolder& folder) {
  int64_t frames = 0;
  for (const LerobotEpisode& episode : folder.episodes) frames += episode.length;
  const bool gaps = folder.episodes.back().number >= static_cast<int64_t>(folder.episodes.size());
  const auto check = [&](const char* key, int64_t found, const char* what) {
    const auto claimed = Field<int64_t>(info, key, place);
    if (claimed == found) return;
    const std::string text =
        fmt::format("{} = {}, the list of episodes in meta/ has {} {}", key, claimed, found, what);
    // deleted episodes are often still counted
    if (!gaps || claimed < found) ThrowBadInput(fmt::format("{}: {}", place, text));
    folder.faults.emplace_back("meta/info.json", text);
  };
  check("total_episodes", static_cast<int64_t>(folder.episodes.size()), "episodes");
  check("total_frames", frames, "rows");
}

// Where the numbers of episodes have gaps, so has the index of the data.
void FindIndices(LerobotFolder& folder) {
  for (LerobotEpisode& episode : folder.episodes) {
    if (episode.length == 0) continue;
    try {
      const ParquetReader file(episode.data);
      episode.first_index = file.Integers("index", episode.first_row, 1).at(0);
    } catch (const Error&) {
      // whoever reads the rows says what is wrong
    }
  }
}

void FindMissing(LerobotFolder& folder) {
  std::error_code none;
  for (const auto* files : {&folder.rows, &folder.frames}) {
    for (const auto& [file, count] : *files) {
      if (!fs::is_regular_file(file, none)) folder.missing.insert(file);
    }
  }
}

// The rows of a missing file may lie elsewhere; if not, the lists are right but for that file.
void LookForMissingRows(LerobotFolder& folder) {
  std::error_code none;
  const bool all = std::all_of(folder.rows.begin(), folder.rows.end(), [&](const auto& rows) {
    return fs::is_regular_file(rows.first, none);
  });
  if (all) return;
  LerobotFolder by_data = folder;
  try {
    GoByData({}, by_data);
    folder = std::move(by_data);
  } catch (const Error&) {
  }
}

Json ReadInfo(const fs::path& folder) {
  std::error_code none;
  const fs::path file = folder / "meta/info.json";
  if (!fs::is_directory(folder, none)) ThrowBadInput(folder.string() + ": no such folder");
  if (!fs::is_regular_file(file, none)) {
    ThrowBadInput(folder.string() + ": is no LeRobot dataset: it has no meta/info.json");
  }
  return ParsePythonJson(ReadSmallText(file), file.string());
}

std::string VersionIn(const Json& info, const std::string& place) {
  const auto version = Field<std::string>(info, "codebase_version", place);
  const auto& known = KnownVersions();
  if (std::find(known.begin(), known.end(), version) == known.end()) {
    ThrowBadInput(fmt::format(
        "{}: codebase_version '{}' is not known; {} are read: convert the dataset with the LeRobot "
        "program of that version first",
        place, version, fmt::join(known, ", ")));
  }
  return version;
}

}  // namespace

bool IsDtype(const std::string& dtype) {
  static const std::vector<std::string> types{"float16", "float32", "float64", "bool",
                                              "int8",    "int16",   "int32",   "int64",
                                              "uint8",   "uint16",  "uint32",  "uint64"};
  return std::find(types.begin(), types.end(), dtype) != types.end();
}

size_t LerobotFeature::width() const {
  size_t width = 1;
  for (const size_t n : shape) width *= n;
  return width;
}

const LerobotFeature* LerobotFolder::Find(const std::string& name) const {
  for (const LerobotFeature& feature : features) {
    if (feature.name == name) return &feature;
  }
  return nullptr;
}

const LerobotFeature* LerobotFolder::State() const {
  const LerobotFeature* state = Find("observation.state");
  return state != nullptr ? state : Find("state");
}

const LerobotFeature* LerobotFolder::Action() const {
  const LerobotFeature* action = Find("action");
  return action != nullptr ? action : Find("actions");
}

fs::path FillTemplate(const std::string& text, const std::map<std::string, int64_t>& numbers,
                      const std::string& video_key, const std::string& place) {
  const auto fail = [&](const std::string& what) {
    ThrowBadInput(fmt::format("{}: path '{}': {}", place, text, what));
  };
  std::string path;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '{') {
      path += text[i];
      continue;
    }
    const size_t end = text.find('}', i);
    if (end == std::string::npos) fail("a '{' without '}'");
    const std::string field = text.substr(i + 1, end - i - 1);
    const size_t colon = field.find(':');
    const std::string name = field.substr(0, colon);
    const std::string format = colon == std::string::npos ? "" : field.substr(colon + 1);
    // "03d" alone: Python's formats could ask for pages of blanks
    const bool plain = format.empty() || format == "d" ||
                       (format.size() == 3 && format[0] == '0' && format[1] >= '1' &&
                        format[1] <= '9' && format[2] == 'd');
    const auto found = numbers.find(name);
    if (name == "video_key" && format.empty()) {
      path += video_key;
    } else if (found != numbers.end() && plain) {
      const int digits = format.size() == 3 ? format[1] - '0' : 0;
      path += fmt::format("{:0{}d}", found->second, digits);
    } else {
      fail(fmt::format("'{{{}}}' is not known", field));
    }
    i = end;
  }
  const fs::path result(path);
  if (path.empty() || path.size() > 4000 || path.find('\0') != std::string::npos ||
      result.is_absolute()) {
    fail("must be a path within the folder");
  }
  for (const fs::path& part : result) {
    if (part == "..") fail("leads out of the folder");
  }
  return result;
}

std::string MissingFileText(const LerobotFolder& folder, const fs::path& file) {
  return fmt::format("{}: is missing; meta/ in '{}' names it", file.string(), folder.path.string());
}

void RequireThere(const LerobotFolder& folder, const fs::path& file) {
  if (folder.missing.contains(file)) ThrowBadInput(MissingFileText(folder, file));
}

std::string LerobotVersionOf(const fs::path& folder) {
  return VersionIn(ReadInfo(folder), (folder / "meta/info.json").string());
}

namespace {

constexpr Limits kRates{1e-3, 1e5};

bool IsRate(const Json& json) {
  return json.is_number() && json.get<double>() >= kRates.low && json.get<double>() <= kRates.high;
}

// Rows per second, out of info.json or as they are given.
void ReadRate(double control_hz, const std::string& place, LerobotFolder& folder) {
  const Json stored = folder.info.value("fps", Json());
  if (IsRate(stored)) {
    folder.fps = stored.get<double>();
    if (folder.mended) CorrectRate(folder);
    if (folder.fps == stored.get<double>()) return;
  } else if (control_hz > 0) {
    folder.fps = control_hz;
    folder.notes.push_back(fmt::format("meta/info.json: fps = {} is no rate: it is {} as given",
                                       stored.dump(), control_hz));
  } else if (folder.mended) {
    FindRate(folder);
  } else {
    ThrowBadInput(fmt::format(
        "{}: fps = {} is no rate: rows per second lie in [{}, {}]: `data convert --control-hz` "
        "gives it",
        place, stored.dump(), kRates.low, kRates.high));
  }
  // LeRobot's own are whole
  const bool whole = std::round(folder.fps) == folder.fps;
  folder.info["fps"] = whole ? Json(static_cast<int64_t>(folder.fps)) : Json(folder.fps);
}

LerobotFolder Open(const fs::path& path, bool mend, double control_hz) {
  const Json info = ReadInfo(path);
  const std::string place = (path / "meta/info.json").string();
  LerobotFolder folder;
  folder.path = path;
  folder.info = info;
  folder.mended = mend;
  folder.version = VersionIn(info, place);
  ReadRate(control_hz, place, folder);
  if (info.contains("robot_type") && info["robot_type"].is_string()) {
    folder.robot = info["robot_type"];
  }
  ReadFeatures(info, place, folder);

  // the lists, by version
  const bool v3 = folder.version == "v3.0";
  std::string task_fault;
  try {
    const fs::path tasks = path / (v3 ? "meta/tasks.parquet" : "meta/tasks.jsonl");
    folder.tasks = v3 ? ReadTasksV3(tasks, "task") : ReadTasksV2(path);
    if (folder.tasks.empty() && folder.Find("task_index") != nullptr) {
      ThrowBadInput(tasks.string() + ": names no task");
    }
  } catch (const Error& error) {
    if (!mend || error.kind() != ErrorKind::kBadInput) throw;
    task_fault = error.what();
  }
  const fs::path subtasks = path / "meta/subtasks.parquet";
  std::error_code none;
  if (folder.Find("subtask_index") != nullptr && fs::exists(subtasks, none)) {
    folder.subtasks = ReadTasksV3(subtasks, "subtask");
  }
  const LerobotPaths paths{
      Field<std::string>(info, "data_path", place),
      folder.films.empty() ? "" : Field<std::string>(info, "video_path", place),
      v3 ? 1 : Field<int64_t>(info, "chunks_size", place, {1, 1e9}), place};
  const std::string list = (path / (v3 ? "meta/episodes" : "meta/episodes.jsonl")).string();
  try {
    folder.episodes = v3 ? ReadEpisodesV3(folder, paths) : ReadEpisodesV2(folder, paths);
    if (folder.episodes.empty()) ThrowBadInput(list + ": names no episode");
  } catch (const Error& error) {
    if (!mend || error.kind() != ErrorKind::kBadInput) throw;
    folder.episodes = EpisodesByData(error.what(), paths, folder);
  }
  std::stable_sort(folder.episodes.begin(), folder.episodes.end(),
                   [](const auto& a, const auto& b) { return a.number < b.number; });
  if (mend) DropTwins(list, folder);
  CheckNumbers(list, folder);
  if (mend) {
    CheckTexts(folder);
    MendByData(list, task_fault, folder);
    DropMissingFeatures(folder);
    FindMissing(folder);
    for (const auto& [at, what] : ModalityFaults(folder)) {
      folder.faults.emplace_back(at, what + ": left out");
    }
    return folder;
  }
  const bool gaps = !folder.faults.empty();
  int64_t index = 0;
  std::vector<std::string> contradictions;
  for (LerobotEpisode& episode : folder.episodes) {
    if (episode.length < 0 || episode.length > kMaxLength) {
      ThrowBadInput(fmt::format("{}: episode {}: length {} must lie in [1, {}]", list,
                                episode.number, episode.length, kMaxLength));
    }
    const bool empty = episode.length == 0;
    if (empty) episode.fault = FaultOfEmpty(list, v3, episode);
    if (v3 && !empty && episode.first_index != index) {
      contradictions.push_back(
          fmt::format("{}: episode {} begins at row {} of the dataset, the one before "
                      "ends at row {}",
                      list, episode.number, episode.first_index, index));
    }
    episode.first_index = index;
    if (empty) continue;
    index += episode.length;
    int64_t& rows = folder.rows[episode.data];
    episode.first_row = rows;
    rows += episode.length;
  }
  CheckTotals(info, place, folder);
  if (v3) CompareWithFiles(folder, contradictions);
  if (!contradictions.empty()) {
    GoByData(contradictions, folder);
  } else {
    if (v3) LookForMissingRows(folder);
    if (gaps) FindIndices(folder);
  }
  CheckFrames(list, folder);
  FindMissing(folder);
  CheckTexts(folder);
  return folder;
}

}  // namespace

LerobotFolder OpenLerobotToMend(const fs::path& path) { return Open(path, true, 0); }

LerobotFolder OpenLerobot(const fs::path& path, double control_hz) {
  try {
    return Open(path, false, control_hz);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kBadInput) throw;
    try {
      if (std::ranges::none_of(
              Open(path, true, control_hz).episodes,
              [](const LerobotEpisode& episode) { return episode.fault.empty(); })) {
        throw error;
      }
    } catch (const Error&) {
      throw error;
    }
    ThrowBadInput(
        fmt::format("{}; `understudy data repair {} --out FOLDER` writes lists that agree with "
                    "the data",
                    error.what(), path.string()));
  }
}

}  // namespace understudy
