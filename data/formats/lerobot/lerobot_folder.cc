#include "data/formats/lerobot/lerobot_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/base/options.h"
#include "data/formats/lerobot/lerobot_import.h"
#include "data/formats/lerobot/lerobot_tables.h"

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

// Texts of a list, or of the only list of a mapping ({"motors": […]}), else nothing.
std::vector<std::string> NamesOf(const Json& json) {
  if (json.is_object() && json.size() == 1) return NamesOf(json.begin().value());
  std::vector<std::string> names;
  if (!json.is_array()) return names;
  for (const Json& item : json) {
    if (!item.is_string()) return {};
    names.push_back(item);
  }
  return names;
}

bool IsNumeric(const std::string& dtype) {
  static const std::vector<std::string> types{"float32", "float64", "bool",  "int8",
                                              "int16",   "int32",   "int64", "uint8",
                                              "uint16",  "uint32",  "uint64"};
  return std::find(types.begin(), types.end(), dtype) != types.end();
}

// A name that may become a path or an object of an HDF5 file.
void CheckName(const std::string& name, const std::string& place) {
  const bool plain = !name.empty() && name.size() < 256 && name != "." && name != ".." &&
                     name.find('/') == std::string::npos && name.find('\\') == std::string::npos &&
                     name.find('\0') == std::string::npos;
  if (!plain) {
    ThrowBadInput(fmt::format("{}: feature '{}': a name holds no '/' and is no '..'", place, name));
  }
}

void ReadFeatures(const Json& info, const std::string& place, LerobotFolder& folder) {
  const Json features = Field<Json>(info, "features", place);
  if (!features.is_object() || features.size() > kMaxFeatures) {
    ThrowBadInput(
        fmt::format("{}: 'features' must be a mapping of at most {}", place, kMaxFeatures));
  }
  for (const auto& [name, json] : features.items()) {
    const std::string at = fmt::format("{}: feature '{}'", place, name);
    CheckName(name, place);
    LerobotFeature feature;
    feature.name = name;
    feature.dtype = Field<std::string>(json, "dtype", at);
    if (feature.dtype == "video" || feature.dtype == "image") {
      (feature.dtype == "video" ? folder.films : folder.pictures).push_back(name);
      continue;
    }
    if (!IsNumeric(feature.dtype)) {
      folder.unread.push_back(fmt::format("{} ({})", name, feature.dtype));
      continue;
    }
    feature.shape =
        Field<std::vector<size_t>>(json, "shape", at, {1, static_cast<double>(kMaxWidth)});
    size_t width = 1;
    for (const size_t n : feature.shape) {
      width *= n;
      if (width > kMaxWidth) {
        ThrowBadInput(fmt::format("{}: more than {} numbers in a row", at, kMaxWidth));
      }
    }
    if (json.contains("names")) feature.names = NamesOf(json["names"]);
    if (feature.names.size() != width) feature.names.clear();
    folder.features.push_back(std::move(feature));
  }
  if (folder.films.size() + folder.pictures.size() > kMaxCameras) {
    ThrowBadInput(fmt::format("{}: {} cameras; at most {} are allowed", place,
                              folder.films.size() + folder.pictures.size(), kMaxCameras));
  }
}

// Numbers from 0 on, each once.
void CheckNumbers(const LerobotFolder& folder, const std::string& place) {
  for (size_t i = 0; i < folder.episodes.size(); ++i) {
    const int64_t number = folder.episodes[i].number, wanted = static_cast<int64_t>(i);
    if (number == wanted) continue;
    if (i > 0 && number == folder.episodes[i - 1].number) {
      ThrowBadInput(fmt::format("{}: episode {} stands there twice", place, number));
    }
    ThrowBadInput(
        fmt::format("{}: episode {} is missing: {} comes next; numbers run from 0 "
                    "without a gap",
                    place, wanted, number));
  }
}

void CheckTotals(const Json& info, const std::string& place, const LerobotFolder& folder) {
  int64_t frames = 0;
  for (const LerobotEpisode& episode : folder.episodes) frames += episode.length;
  const auto check = [&](const char* key, int64_t found, const char* what) {
    const auto claimed = Field<int64_t>(info, key, place);
    if (claimed == found) return;
    ThrowBadInput(fmt::format("{}: {} = {}, the list of episodes in meta/ has {} {}", place, key,
                              claimed, found, what));
  };
  check("total_episodes", static_cast<int64_t>(folder.episodes.size()), "episodes");
  check("total_frames", frames, "rows");
}

// Every file that meta/ names, once.
void CheckFiles(const LerobotFolder& folder) {
  std::error_code none;
  for (const auto* files : {&folder.rows, &folder.frames}) {
    for (const auto& [file, count] : *files) {
      if (fs::is_regular_file(file, none)) continue;
      ThrowBadInput(fmt::format("{}: is missing; meta/ in '{}' names it", file.string(),
                                folder.path.string()));
    }
  }
}

Json ReadInfo(const fs::path& folder) {
  std::error_code none;
  const fs::path file = folder / "meta/info.json";
  if (!fs::is_directory(folder, none)) ThrowBadInput(folder.string() + ": no such folder");
  if (!fs::is_regular_file(file, none)) {
    ThrowBadInput(folder.string() + ": is no LeRobot dataset: it has no meta/info.json");
  }
  return ParseJson(ReadSmallText(file), file.string());
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

std::string LerobotVersionOf(const fs::path& folder) {
  return VersionIn(ReadInfo(folder), (folder / "meta/info.json").string());
}

LerobotFolder OpenLerobot(const fs::path& path) {
  const Json info = ReadInfo(path);
  const std::string place = (path / "meta/info.json").string();
  LerobotFolder folder;
  folder.path = path;
  folder.version = VersionIn(info, place);
  folder.fps = Field<double>(info, "fps", place, {1e-3, 1e5});
  if (info.contains("robot_type") && info["robot_type"].is_string()) {
    folder.robot = info["robot_type"];
  }
  ReadFeatures(info, place, folder);

  // the lists, by version
  const bool v3 = folder.version == "v3.0";
  folder.tasks = v3 ? ReadTasksV3(path) : ReadTasksV2(path);
  const LerobotPaths paths{
      Field<std::string>(info, "data_path", place),
      folder.films.empty() ? "" : Field<std::string>(info, "video_path", place),
      v3 ? 1 : Field<int64_t>(info, "chunks_size", place, {1, 1e9}), place};
  folder.episodes = v3 ? ReadEpisodesV3(folder, paths) : ReadEpisodesV2(folder, paths);
  const std::string list = (path / (v3 ? "meta/episodes" : "meta/episodes.jsonl")).string();
  if (folder.episodes.empty()) ThrowBadInput(list + ": names no episode");
  std::stable_sort(folder.episodes.begin(), folder.episodes.end(),
                   [](const auto& a, const auto& b) { return a.number < b.number; });
  CheckNumbers(folder, list);
  int64_t index = 0;
  for (LerobotEpisode& episode : folder.episodes) {
    if (episode.length < 1 || episode.length > kMaxLength) {
      ThrowBadInput(fmt::format("{}: episode {}: length {} must lie in [1, {}]", list,
                                episode.number, episode.length, kMaxLength));
    }
    if (v3 && episode.first_index != index) {
      ThrowBadInput(
          fmt::format("{}: episode {} begins at row {} of the dataset, the one before "
                      "ends at row {}",
                      list, episode.number, episode.first_index, index));
    }
    episode.first_index = index;
    index += episode.length;
    int64_t& rows = folder.rows[episode.data];
    episode.first_row = rows;
    rows += episode.length;
  }
  CheckTotals(info, place, folder);

  // frames of the films: an episode's begin where those of the one before end
  for (const LerobotEpisode& episode : folder.episodes) {
    for (size_t f = 0; f < episode.films.size(); ++f) {
      int64_t& frames = folder.frames[episode.films[f].file];
      if (episode.films[f].first_frame != frames) {
        ThrowBadInput(fmt::format(
            "{}: episode {} begins at frame {} of '{}', the episodes before it have {} there", list,
            episode.number, episode.films[f].first_frame, episode.films[f].file.string(), frames));
      }
      frames += episode.length;
    }
  }
  CheckFiles(folder);
  return folder;
}

}  // namespace understudy
