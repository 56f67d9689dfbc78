#include "data/formats/lerobot/lerobot_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "core/base/error.h"
#include "core/base/lfs_pointer.h"
#include "core/base/options.h"
#include "core/base/utf8.h"
#include "data/formats/parquet/parquet_reader.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

constexpr uintmax_t kMaxTextBytes = uintmax_t{1} << 30;
constexpr int64_t kMaxEpisodes = 10'000'000;

// Calls `use` with every line of a file of JSON lines and its place.
void ForEachLine(const fs::path& file,
                 const std::function<void(const Json&, const std::string&)>& use) {
  const std::string text = ReadSmallText(file);
  size_t begin = 0;
  for (int line = 1; begin < text.size(); ++line) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string one = text.substr(begin, end - begin);
    begin = end + 1;
    if (one.find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string place = fmt::format("{}:{}", file.string(), line);
    const Json json = ParsePythonJson(one, place);
    if (!json.is_object()) ThrowBadInput(place + ": a line must be a mapping");
    use(json, place);
  }
}

int64_t Whole(const Json& object, const char* key, const std::string& place) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_integer() ||
      (found->is_number_unsigned() && found->get<uint64_t>() > (uint64_t{1} << 62))) {
    ThrowBadInput(fmt::format("{}: '{}' must be a whole number", place, key));
  }
  return found->get<int64_t>();
}

void AddTask(int64_t number, const std::string& text, const std::string& place,
             std::map<int64_t, std::string>& tasks) {
  if (!tasks.emplace(number, text).second) {
    ThrowBadInput(fmt::format("{}: task {} stands there twice", place, number));
  }
}

// Times of films are whole frames.
int64_t FrameAt(double seconds, double fps, const std::string& place) {
  const double frame = seconds * fps;
  const double whole = std::round(frame);
  if (!(std::abs(frame - whole) < 0.05) || whole < 0 || whole > 1e12) {
    ThrowBadInput(fmt::format("{} = {} s is no whole frame at {} frames/s", place, seconds, fps));
  }
  return static_cast<int64_t>(whole);
}

}  // namespace

std::vector<fs::path> EpisodeFilesV3(const fs::path& dataset) {
  const fs::path folder = dataset / "meta/episodes";
  std::vector<fs::path> files;
  std::error_code none;
  for (const auto& chunk : fs::directory_iterator(folder, none)) {
    if (!chunk.is_directory(none) || !chunk.path().filename().string().starts_with("chunk-")) {
      continue;
    }
    for (const auto& file : fs::directory_iterator(chunk.path(), none)) {
      const std::string name = file.path().filename().string();
      if (name.starts_with("file-") && name.ends_with(".parquet")) files.push_back(file.path());
    }
  }
  std::sort(files.begin(), files.end());
  if (files.empty()) {
    ThrowBadInput(fmt::format("{}: no chunk-000/file-000.parquet: the list of episodes is missing",
                              folder.string()));
  }
  return files;
}

void RequireSmall(const fs::path& file) {
  std::error_code problem;
  const uintmax_t bytes = fs::file_size(file, problem);
  if (problem) ThrowBadInput(fmt::format("{}: {}", file.string(), problem.message()));
  if (bytes > kMaxTextBytes) {
    ThrowBadInput(
        fmt::format("{}: {} bytes; at most {} are allowed", file.string(), bytes, kMaxTextBytes));
  }
}

std::string ReadSmallText(const fs::path& file) {
  RequireSmall(file);
  RefuseLfsPointer(file);
  return AsUtf8(ReadText(file));
}

std::map<int64_t, std::string> ReadTasksV2(const fs::path& folder) {
  std::map<int64_t, std::string> tasks;
  ForEachLine(folder / "meta/tasks.jsonl", [&](const Json& line, const std::string& place) {
    const auto text = line.find("task");
    if (text == line.end() || !text->is_string()) {
      ThrowBadInput(place + ": 'task' must be a text");
    }
    AddTask(Whole(line, "task_index", place), text->get<std::string>(), place, tasks);
  });
  return tasks;
}

std::map<int64_t, std::string> ReadTasksV3(const fs::path& path, const std::string& kind) {
  const ParquetReader file(path);
  // under whatever name
  std::string column = file.PandasIndex();
  if (column.empty() || !file.Has(column)) column = kind;
  const std::vector<int64_t> numbers = file.Integers(kind + "_index", 0, file.rows());
  const std::vector<std::string> texts = file.Texts(column, 0, file.rows());
  std::map<int64_t, std::string> tasks;
  for (size_t i = 0; i < numbers.size(); ++i) {
    AddTask(numbers[i], texts[i], file.file().string(), tasks);
  }
  return tasks;
}

std::vector<LerobotEpisode> ReadEpisodesV2(const LerobotFolder& folder, const LerobotPaths& paths) {
  std::vector<LerobotEpisode> episodes;
  ForEachLine(folder.path / "meta/episodes.jsonl", [&](const Json& line, const std::string& place) {
    LerobotEpisode episode;
    episode.number = Whole(line, "episode_index", place);
    episode.length = Whole(line, "length", place);
    if (episode.number < 0 || episode.number > kMaxEpisodes) {
      ThrowBadInput(fmt::format("{}: episode_index = {} must lie in [0, {}]", place, episode.number,
                                kMaxEpisodes));
    }
    const std::map<std::string, int64_t> fields{
        {"episode_chunk", episode.number / paths.chunks_size}, {"episode_index", episode.number}};
    if (const auto tasks = line.find("tasks"); tasks != line.end() && tasks->is_array()) {
      for (const Json& task : *tasks) {
        if (task.is_string()) episode.tasks.push_back(task);
      }
    }
    episode.data = folder.path / FillTemplate(paths.data, fields, "", paths.place);
    for (const std::string& film : folder.films) {
      episode.films.push_back(
          {folder.path / FillTemplate(paths.video, fields, film, paths.place), 0});
    }
    episodes.push_back(std::move(episode));
  });
  return episodes;
}

std::vector<LerobotEpisode> ReadEpisodesV3(const LerobotFolder& folder, const LerobotPaths& paths) {
  std::vector<LerobotEpisode> episodes;
  for (const fs::path& path : EpisodeFilesV3(folder.path)) {
    const ParquetReader file(path);
    const int64_t rows = file.rows();
    if (static_cast<int64_t>(episodes.size()) + rows > kMaxEpisodes) {
      ThrowBadInput(fmt::format("{}: more than {} episodes", path.string(), kMaxEpisodes));
    }
    const auto whole = [&](const std::string& column) { return file.Integers(column, 0, rows); };
    const auto number = whole("episode_index"), length = whole("length"),
               chunk = whole("data/chunk_index"), index = whole("data/file_index"),
               from = whole("dataset_from_index"), to = whole("dataset_to_index");
    std::vector<std::vector<std::string>> tasks;
    try {
      tasks = file.TextLists("tasks", 0, rows);
    } catch (const Error&) {
      // the rows say it too
    }
    struct FilmColumns {
      std::vector<int64_t> chunk, index;
      std::vector<double> from, to;
    };
    std::vector<FilmColumns> films;
    for (const std::string& film : folder.films) {
      const std::string key = "videos/" + film;
      films.push_back({whole(key + "/chunk_index"), whole(key + "/file_index"),
                       file.Numbers(key + "/from_timestamp", 0, rows, 1),
                       file.Numbers(key + "/to_timestamp", 0, rows, 1)});
    }
    for (size_t i = 0; i < number.size(); ++i) {
      const std::string place = fmt::format("{}: episode {}", path.string(), number[i]);
      LerobotEpisode episode;
      episode.number = number[i];
      episode.length = length[i];
      const bool sound = from[i] >= 0 && to[i] >= from[i] && to[i] - from[i] == length[i];
      episode.first_index = sound ? from[i] : -1;
      if (!tasks.empty()) episode.tasks = tasks[i];
      episode.data = folder.path /
                     FillTemplate(paths.data, {{"chunk_index", chunk[i]}, {"file_index", index[i]}},
                                  "", paths.place);
      for (size_t f = 0; f < films.size(); ++f) {
        const FilmColumns& film = films[f];
        const std::string& key = folder.films[f];
        const std::map<std::string, int64_t> fields{{"chunk_index", film.chunk[i]},
                                                    {"file_index", film.index[i]}};
        const auto frame = [&](double seconds, const char* which) {
          if (length[i] == 0) return int64_t{0};  // it has none
          return FrameAt(seconds, folder.fps, fmt::format("{}: {} of {}", place, which, key));
        };
        const int64_t first = frame(film.from[i], "from_timestamp"),
                      last = frame(film.to[i], "to_timestamp");
        if (last - first != length[i] && !folder.mended) {
          ThrowBadInput(fmt::format("{}: {} frames of {} at {} frames/s for {} rows", place,
                                    last - first, key, folder.fps, length[i]));
        }
        episode.films.push_back(
            {folder.path / FillTemplate(paths.video, fields, key, paths.place), first});
      }
      episodes.push_back(std::move(episode));
    }
  }
  return episodes;
}

}  // namespace understudy
