#include "data/formats/lerobot/match_films.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/error.h"
#include "core/base/statistics.h"
#include "data/video/video_reader.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

// The episodes of one film, as they stand in it.
using InFilm = std::vector<LerobotEpisode*>;

bool HasRightTimes(const VideoReader& film, double fps) {
  try {
    film.RequireTimes(fps, 0, "");
    return true;
  } catch (const Error&) {
    return false;
  }
}

// Nearest to `time`, the earlier one of two.
int64_t NearestFrame(const std::vector<double>& times, double time) {
  constexpr double kSame = 1e-6;  // s: halves that are no exact numbers
  const auto after = std::lower_bound(times.begin(), times.end(), time);
  if (after == times.begin()) return 0;
  const auto before = after - 1;
  const bool earlier = after == times.end() || time - *before <= *after - time + kSame;
  return (earlier ? before : after) - times.begin();
}

// Where the rows of an episode end in the film, counted in frames of the folder's rate.
int64_t EndIn(const LerobotEpisode& episode, size_t film) {
  return episode.films[film].first_frame + episode.length;
}

void Match(const fs::path& file, size_t f, const InFilm& episodes, LerobotFolder& folder) {
  const VideoReader film(file);
  if (HasRightTimes(film, folder.fps)) return;
  const std::vector<double> times = film.Times();
  std::vector<double> periods;
  for (size_t k = 1; k < times.size(); ++k) periods.push_back(times[k] - times[k - 1]);
  const double period = periods.empty() ? 1 / folder.fps : Quantile(periods, 0.5);
  int64_t rows = 0, end = 0;
  for (const LerobotEpisode* episode : episodes) {
    rows += episode->length;
    end = std::max(end, EndIn(*episode, f));
  }
  const std::string place = file.lexically_relative(folder.path).string();
  const std::string rates =
      fmt::format("{} frames at {:.6g} per second, of {} rows at {:.6g}", film.frames(), 1 / period,
                  film.frames() == rows ? rows : end, folder.fps);
  const char* how = folder.depths.contains(folder.films[f])
                        ? "encoded anew at the times of the rows, 8 bits of each number"
                        : "encoded anew at the times of the rows";
  std::vector<int64_t>& frames = folder.matched[file];
  if (film.frames() == rows || film.frames() == end) {
    // its own times say where an episode begins, or the rows' do: they follow each other
    int64_t first = 0;
    for (LerobotEpisode* episode : episodes) {
      if (film.frames() == rows)
        episode->films[f].first_frame = std::exchange(first, first + episode->length);
    }
    frames.resize(static_cast<size_t>(film.frames()));
    std::iota(frames.begin(), frames.end(), int64_t{0});
    folder.faults.emplace_back(place, fmt::format("{}: taken one by one, {}", rates, how));
    return;
  }
  const double shown = times.back() + period, wanted = static_cast<double>(end) / folder.fps;
  if (std::abs(shown - wanted) < 1.5 * std::max(period, 1 / folder.fps)) {
    for (int64_t row = 0; row < end; ++row) {
      frames.push_back(NearestFrame(times, static_cast<double>(row) / folder.fps));
    }
    folder.faults.emplace_back(
        place, fmt::format("{}: each row has the frame nearest to its time, {}", rates, how));
    return;
  }
  folder.matched.erase(file);
  for (LerobotEpisode* episode : episodes) {
    if (!episode->fault.empty()) continue;
    episode->fault = fmt::format(
        "{}: {}, {:.3f} s and {:.3f} s: neither as many nor as long, so that no frame is known to "
        "be a row's; where fps in meta/info.json is wrong, write the right one there and repair "
        "again",
        file.string(), rates, shown, wanted);
  }
}

}  // namespace

void MatchFilms(LerobotFolder& folder) {
  for (size_t f = 0; f < folder.films.size(); ++f) {
    std::map<fs::path, InFilm> films;
    for (LerobotEpisode& episode : folder.episodes) {
      films[episode.films[f].file].push_back(&episode);
    }
    for (auto& [file, episodes] : films) {
      std::stable_sort(episodes.begin(), episodes.end(), [&](const auto* a, const auto* b) {
        return a->films[f].first_frame < b->films[f].first_frame;
      });
      try {
        Match(file, f, episodes, folder);
      } catch (const Error& error) {
        // whoever reads the film says what is wrong with it
        if (error.kind() != ErrorKind::kBadInput) throw;
      }
    }
  }
}

}  // namespace understudy
