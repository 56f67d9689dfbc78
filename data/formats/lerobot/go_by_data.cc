// Lists in meta/ that contradict the data: LeRobot's own tools have left such folders behind.

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"
#include "data/formats/lerobot/lerobot_folder.h"
#include "data/formats/lerobot/mend_folder.h"
#include "data/formats/parquet/parquet_reader.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMaxFiles = 1'000'000;

// Where the rows of one episode lie.
struct Run {
  fs::path file;
  int64_t first_row = 0, length = 0, first_index = 0;
};

}  // namespace

std::vector<fs::path> FilesBelow(const fs::path& folder, const std::string& extension) {
  std::vector<fs::path> files;
  std::error_code none;
  for (fs::recursive_directory_iterator at(folder, none), end; at != end; at.increment(none)) {
    if (at->is_regular_file(none) && at->path().extension() == extension) {
      files.push_back(at->path());
    }
    if (files.size() > kMaxFiles) break;
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<fs::path> DataFilesIn(const fs::path& folder) {
  return FilesBelow(folder / "data", ".parquet");
}

void GoByData(const std::vector<std::string>& contradictions, LerobotFolder& folder) {
  std::error_code none;
  std::vector<fs::path> missing;
  for (const auto& [file, count] : folder.rows) {
    if (!fs::is_regular_file(file, none)) missing.push_back(file);
  }
  const auto fail = [&](const std::string& what) {
    ThrowBadInput(fmt::format(
        "{}; and the data does not show it either: {}",
        contradictions.empty() ? MissingFileText(folder, missing.at(0)) : contradictions[0], what));
  };
  std::map<int64_t, Run> runs;
  std::map<fs::path, int64_t> rows;
  for (const fs::path& path : DataFilesIn(folder.path)) {
    const ParquetReader file(path);
    rows[path] = file.rows();
    const std::vector<int64_t> numbers = file.Integers("episode_index", 0, file.rows());
    const std::vector<int64_t> indices =
        file.Has("index") ? file.Integers("index", 0, file.rows()) : std::vector<int64_t>{};
    for (size_t begin = 0, end = 0; begin < numbers.size(); begin = end) {
      while (end < numbers.size() && numbers[end] == numbers[begin]) ++end;
      const Run run{path, static_cast<int64_t>(begin), static_cast<int64_t>(end - begin),
                    indices.empty() ? -1 : indices[begin]};
      if (!runs.emplace(numbers[begin], run).second) {
        fail(fmt::format("'{}': the rows of episode {} lie in several places", path.string(),
                         numbers[begin]));
      }
    }
  }

  const std::map<fs::path, int64_t> named = std::move(folder.rows);
  folder.rows.clear();
  int64_t index = 0;
  for (LerobotEpisode& episode : folder.episodes) {
    const auto run = runs.find(episode.number);
    if (run == runs.end() && episode.length == 0) continue;  // its fault says so
    if (run == runs.end() && !fs::is_regular_file(episode.data, none)) {
      index += episode.length;
      folder.rows[episode.data] = named.at(episode.data);
      continue;
    }
    if (run == runs.end()) fail(fmt::format("no row has episode_index {}", episode.number));
    const Run& found = run->second;
    if (found.length != episode.length) {
      fail(fmt::format("'{}': {} rows have episode_index {}, its length in meta/ is {}",
                       found.file.string(), found.length, episode.number, episode.length));
    }
    episode.data = found.file;
    episode.first_row = found.first_row;
    episode.first_index = found.first_index >= 0 ? found.first_index : index;
    index += episode.length;
    folder.rows[found.file] = rows[found.file];
  }
  std::vector<std::string> faults = contradictions;
  for (const fs::path& file : missing) {
    if (!folder.rows.contains(file)) faults.push_back(MissingFileText(folder, file));
  }
  const std::string root = folder.path.string() + "/";
  for (const std::string& text : faults) {
    const size_t end = text.find(": ");
    const bool within = text.starts_with(root) && end != std::string::npos;
    folder.faults.emplace_back(
        within ? text.substr(root.size(), end - root.size()) : "meta/episodes",
        fmt::format(
            "{}; episode_index and index in the data say which rows are whose: `understudy "
            "data convert {} --to lerobot --out FOLDER` goes by them and writes sound lists",
            within ? text.substr(end + 2) : text, folder.path.string()));
  }
}

}  // namespace understudy
