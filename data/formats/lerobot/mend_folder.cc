#include "data/formats/lerobot/mend_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <set>
#include <tuple>

#include "core/base/error.h"
#include "core/base/statistics.h"
#include "data/formats/lerobot/match_films.h"
#include "data/formats/parquet/parquet_reader.h"
#include "data/video/video_reader.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

// The rows of one episode, wherever they lie in their file.
struct FoundRows {
  fs::path file;
  std::vector<int64_t> rows, frames;  // frames: empty where there is no such column
  bool in_several_files = false;
};

class Mending {
 public:
  Mending(const std::string& list, LerobotFolder& folder)
      : folder_(folder),
        list_(fs::path(list).lexically_relative(folder.path).string()),
        v3_(folder.version == "v3.0") {}

  void Run(const std::string& task_fault) {
    if (v3_) {
      for (const fs::path& file : DataFilesIn(folder_.path)) Find(file, std::nullopt);
    } else {
      for (const LerobotEpisode& episode : folder_.episodes) Find(episode.data, episode.number);
    }
    folder_.rows.clear();
    int64_t index = 0;
    for (LerobotEpisode& episode : folder_.episodes) {
      Give(episode);
      episode.first_index = index;
      index += episode.length;
    }
    for (const auto& [number, found] : found_) {
      folder_.faults.emplace_back(
          found.file.lexically_relative(folder_.path).string(),
          fmt::format("{} rows of episode {}, which {} does not name: left out", found.rows.size(),
                      number, list_));
    }
    MatchFilms(folder_);
    CheckFilms();
    if (!task_fault.empty()) FindTasks(task_fault);
    CompareTotals();
  }

 private:
  void Find(const fs::path& file, std::optional<int64_t> number);
  void Give(LerobotEpisode& episode);
  void CheckFilms();
  void FindTasks(const std::string& task_fault);
  void CompareTotals();

  LerobotFolder& folder_;
  const std::string list_;
  const bool v3_;
  std::map<int64_t, FoundRows> found_;
  std::map<fs::path, int64_t> counts_;          // rows of the files that can be read
  std::map<fs::path, std::string> unreadable_;  // and why the others cannot
};

// All rows of a file are of episode `number`, or of those that they say.
void Mending::Find(const fs::path& file, std::optional<int64_t> number) {
  std::error_code none;
  if (!fs::is_regular_file(file, none)) {
    unreadable_[file] = MissingFileText(folder_, file);
    return;
  }
  try {
    const ParquetReader reader(file);
    const int64_t count = reader.rows();
    std::vector<int64_t> numbers, frames;
    if (!number) numbers = reader.Integers("episode_index", 0, count);
    if (reader.Has("frame_index")) frames = reader.Integers("frame_index", 0, count);
    counts_[file] = count;
    for (int64_t row = 0; row < count; ++row) {
      const auto at = static_cast<size_t>(row);
      FoundRows& found = found_[number ? *number : numbers[at]];
      if (found.rows.empty()) found.file = file;
      found.in_several_files |= found.file != file;
      if (found.in_several_files) continue;
      found.rows.push_back(row);
      if (!frames.empty()) found.frames.push_back(frames[at]);
    }
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kBadInput) throw;
    unreadable_[file] = error.what();
  }
}

void Mending::Give(LerobotEpisode& episode) {
  const int64_t listed = episode.length;
  episode.length = std::max<int64_t>(1, listed);
  const auto at = found_.find(episode.number);
  if (at == found_.end()) {
    const auto why = unreadable_.find(episode.data);
    episode.fault =
        why != unreadable_.end()
            ? why->second
            : fmt::format("{}: no row of the data has episode_index {}", list_, episode.number);
    return;
  }
  const FoundRows found = std::move(at->second);
  found_.erase(at);
  episode.data = found.file;
  folder_.rows[found.file] = counts_.at(found.file);
  if (found.in_several_files) {
    episode.fault = fmt::format("{}: the rows of episode {} lie in several files",
                                found.file.string(), episode.number);
    return;
  }
  const size_t count = found.rows.size();
  episode.length = static_cast<int64_t>(count);
  episode.first_row = found.rows.front();
  if (episode.length != listed) {
    folder_.faults.emplace_back(
        list_, fmt::format("episode {}: length = {}, the data has {} rows of it", episode.number,
                           listed, count));
  }
  // by frame_index, if it has every number once
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  if (found.frames.size() == count) {
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return found.frames[a] < found.frames[b]; });
    for (size_t k = 0; k < count; ++k) {
      if (found.frames[order[k]] == static_cast<int64_t>(k)) continue;
      std::iota(order.begin(), order.end(), size_t{0});  // whoever reads the rows says it
      break;
    }
  }
  bool as_they_stand = true;
  for (size_t k = 0; k < count; ++k) {
    episode.order.push_back(found.rows[order[k]] - episode.first_row);
    as_they_stand &= episode.order.back() == static_cast<int64_t>(k);
  }
  if (as_they_stand) {
    episode.order.clear();
    return;
  }
  folder_.faults.emplace_back(found.file.lexically_relative(folder_.path).string(),
                              fmt::format("the rows of episode {} are not in the order of "
                                          "frame_index: they are sorted",
                                          episode.number));
}

// An episode with more rows than there are frames before the next one begins has wrong pictures.
void Mending::CheckFilms() {
  for (size_t f = 0; f < folder_.films.size(); ++f) {
    std::vector<LerobotEpisode*> order;
    for (LerobotEpisode& episode : folder_.episodes) {
      if (episode.fault.empty()) order.push_back(&episode);
    }
    std::stable_sort(order.begin(), order.end(), [&](const auto* a, const auto* b) {
      return std::tie(a->films[f].file, a->films[f].first_frame) <
             std::tie(b->films[f].file, b->films[f].first_frame);
    });
    for (size_t i = 0; i < order.size(); ++i) {
      LerobotEpisode& episode = *order[i];
      const LerobotEpisode::Place& place = episode.films[f];
      const int64_t end = place.first_frame + episode.length;
      int64_t& frames = folder_.frames[place.file];
      frames = std::max(frames, end);
      if (i + 1 == order.size()) continue;
      const LerobotEpisode::Place& next = order[i + 1]->films[f];
      if (next.file != place.file || next.first_frame >= end) continue;
      episode.fault = fmt::format(
          "{}: episode {} has {} rows, but from frame {} of '{}' on the pictures are those of "
          "episode {}",
          list_, episode.number, episode.length, next.first_frame, place.file.string(),
          order[i + 1]->number);
    }
  }
}

// A task is what the list of episodes says of one that has a single text and a single number.
void Mending::FindTasks(const std::string& task_fault) {
  std::set<int64_t> ambiguous;
  for (const LerobotEpisode& episode : folder_.episodes) {
    if (!episode.fault.empty() || episode.tasks.size() != 1) continue;
    try {
      const std::vector<int64_t> numbers = InOrder(
          episode,
          ParquetReader(episode.data).Integers("task_index", episode.first_row, SpanOf(episode)));
      if (std::any_of(numbers.begin(), numbers.end(),
                      [&](int64_t number) { return number != numbers[0]; })) {
        continue;
      }
      const auto [known, fresh] = folder_.tasks.emplace(numbers.at(0), episode.tasks[0]);
      if (!fresh && known->second != episode.tasks[0]) ambiguous.insert(numbers[0]);
    } catch (const Error&) {
      // whoever reads the rows says it
    }
  }
  for (const int64_t number : ambiguous) folder_.tasks.erase(number);
  folder_.faults.emplace_back(v3_ ? "meta/tasks.parquet" : "meta/tasks.jsonl",
                              fmt::format("{}; {} tasks are taken from the list of episodes",
                                          task_fault, folder_.tasks.size()));
}

void Mending::CompareTotals() {
  int64_t frames = 0;
  for (const LerobotEpisode& episode : folder_.episodes) {
    if (episode.fault.empty()) frames += episode.length;
  }
  const auto check = [&](const char* key, int64_t found, const char* what) {
    const Json claimed = folder_.info.value(key, Json());
    if (claimed == Json(found)) return;
    folder_.faults.emplace_back("meta/info.json", fmt::format("{} = {}, there are {} {}", key,
                                                              claimed.dump(), found, what));
  };
  check("total_episodes", static_cast<int64_t>(folder_.episodes.size()), "episodes");
  check("total_frames", frames, "rows");
}

}  // namespace

namespace {

// Rows per second by the times of the first file of rows; 0: no row has one.
double RateOfRows(const LerobotFolder& folder) {
  std::vector<double> periods;
  for (const fs::path& file : DataFilesIn(folder.path)) {
    try {
      const ParquetReader reader(file);
      const std::vector<double> times = reader.Numbers("timestamp", 0, reader.rows(), 1);
      for (size_t k = 1; k < times.size(); ++k) {
        // times begin at 0 in each episode
        if (times[k] > times[k - 1]) periods.push_back(times[k] - times[k - 1]);
      }
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kBadInput) throw;
    }
    if (!periods.empty()) break;
  }
  if (periods.empty()) return 0;
  // times are float32
  const double rate = 1 / Quantile(periods, 0.5), whole = std::round(rate);
  return std::abs(rate - whole) < 0.01 * rate ? whole : rate;
}

// Frames per second of the first film that has it; 0: none has.
double RateOfFilms(const LerobotFolder& folder) {
  for (const fs::path& file : FilesBelow(folder.path / "videos", ".mp4")) {
    try {
      const std::vector<double> times = VideoReader(file).Times();
      if (times.size() > 1) return static_cast<double>(times.size() - 1) / times.back();
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kBadInput) throw;
    }
  }
  return 0;
}

bool SameRate(double a, double b) { return std::abs(a - b) < 0.01 * b; }

}  // namespace

void FindRate(LerobotFolder& folder) {
  const std::string was = folder.info.value("fps", Json()).dump();
  const double rate = RateOfRows(folder);
  if (rate == 0) {
    ThrowBadInput(fmt::format("{}: fps = {} is no rate, and no row has a time",
                              (folder.path / "meta/info.json").string(), was));
  }
  folder.fps = rate;
  folder.faults.emplace_back(
      "meta/info.json",
      fmt::format("fps = {} is no rate: it is {} by the times of the rows", was, folder.fps));
}

void CorrectRate(LerobotFolder& folder) {
  const double rate = RateOfRows(folder);
  if (rate == 0 || SameRate(rate, folder.fps) || !SameRate(RateOfFilms(folder), rate)) return;
  folder.faults.emplace_back("meta/info.json",
                             fmt::format("fps = {}: it is {} by the times of the rows and films",
                                         folder.info["fps"].dump(), rate));
  folder.fps = rate;
}

namespace {

// Where each of the episodes lies among the frames of a film of v3.0.
std::vector<LerobotEpisode::Place> PlacesInFilms(const LerobotFolder& folder,
                                                 const std::string& film,
                                                 const std::vector<LerobotEpisode>& episodes) {
  std::vector<LerobotEpisode::Place> places;
  for (const fs::path& file : FilesBelow(folder.path / "videos" / film, ".mp4")) {
    const int64_t frames = VideoReader(file).frames();
    int64_t at = 0;
    while (places.size() < episodes.size() && at + episodes[places.size()].length <= frames) {
      const int64_t first = at;
      at += episodes[places.size()].length;
      places.push_back({file, first});
    }
    if (at == frames) continue;
    ThrowBadInput(fmt::format(
        "{}: {} frames, whole episodes have {} of them: the others belong to no whole episode",
        file.string(), frames, at));
  }
  if (places.size() < episodes.size()) {
    ThrowBadInput(fmt::format("{}: the films of '{}' end before episode {}", folder.path.string(),
                              film, episodes[places.size()].number));
  }
  return places;
}

}  // namespace

std::vector<LerobotEpisode> EpisodesByData(const std::string& why, const LerobotPaths& paths,
                                           LerobotFolder& folder) {
  const bool v3 = folder.version == "v3.0";
  const auto fail = [&](const std::string& what) {
    ThrowBadInput(fmt::format("{}; and the data does not show the episodes: {}", why, what));
  };
  std::map<int64_t, LerobotEpisode> found;
  for (const fs::path& file : DataFilesIn(folder.path)) {
    try {
      const ParquetReader reader(file);
      const std::vector<int64_t> numbers = reader.Integers("episode_index", 0, reader.rows());
      for (const int64_t number : numbers) {
        if (number < 0) ThrowBadInput(fmt::format("{}: episode_index = {}", file.string(), number));
      }
      for (const int64_t number : numbers) {
        LerobotEpisode& episode = found[number];
        if (episode.length++ > 0) continue;
        episode.number = number;
        episode.data = file;
      }
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kBadInput) throw;
      folder.faults.emplace_back(file.lexically_relative(folder.path).string(), error.what());
    }
  }
  if (found.empty()) fail("no row has an episode_index");
  std::vector<LerobotEpisode> episodes;
  for (auto& [number, episode] : found) episodes.push_back(std::move(episode));
  try {
    for (const std::string& film : folder.films) {
      const std::vector<LerobotEpisode::Place> places =
          v3 ? PlacesInFilms(folder, film, episodes) : std::vector<LerobotEpisode::Place>{};
      for (size_t e = 0; e < episodes.size(); ++e) {
        const int64_t number = episodes[e].number;
        episodes[e].films.push_back(
            v3 ? places[e]
               : LerobotEpisode::Place{
                     folder.path / FillTemplate(paths.video,
                                                {{"episode_chunk", number / paths.chunks_size},
                                                 {"episode_index", number}},
                                                film, paths.place),
                     0});
      }
    }
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kBadInput) throw;
    fail(error.what());
  }
  folder.listed_by_data = true;
  folder.faults.emplace_back(
      v3 ? "meta/episodes" : "meta/episodes.jsonl",
      fmt::format("{}; the {} episodes of the data are listed", why, episodes.size()));
  return episodes;
}

void MendByData(const std::string& list, const std::string& task_fault, LerobotFolder& folder) {
  Mending(list, folder).Run(task_fault);
}

}  // namespace understudy
