#include "data/formats/lerobot/folder_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/utf8.h"
#include "data/formats/parquet/parquet_reader.h"

namespace understudy {
namespace fs = std::filesystem;

void DropTwins(const std::string& list, LerobotFolder& folder) {
  const auto same = [](const LerobotEpisode& a, const LerobotEpisode& b) {
    return a.number == b.number && a.length == b.length && a.data == b.data;
  };
  for (size_t e = 1; e < folder.episodes.size(); ++e) {
    if (!same(folder.episodes[e - 1], folder.episodes[e])) continue;
    folder.faults.emplace_back(
        fs::path(list).lexically_relative(folder.path).string(),
        fmt::format("episode {} stands there twice", folder.episodes[e].number));
  }
  folder.episodes.erase(std::unique(folder.episodes.begin(), folder.episodes.end(), same),
                        folder.episodes.end());
}

void CheckTexts(LerobotFolder& folder) {
  std::error_code none;
  for (const char* name : {"meta/info.json", "meta/tasks.jsonl", "meta/episodes.jsonl"}) {
    const fs::path file = folder.path / name;
    if (!fs::is_regular_file(file, none) || IsUtf8(ReadText(file))) continue;
    folder.faults.emplace_back(
        name,
        "is no UTF-8: its texts are taken for Latin-1; `understudy data repair` writes UTF-8");
  }
}

void CheckNumbers(const std::string& place, LerobotFolder& folder) {
  int64_t wanted = 0;
  std::vector<std::string> missing;
  for (const LerobotEpisode& episode : folder.episodes) {
    if (episode.number < wanted) {
      ThrowBadInput(fmt::format("{}: episode {} stands there twice", place, episode.number));
    }
    if (episode.number > wanted) {
      missing.push_back(wanted + 1 == episode.number
                            ? fmt::format("{}", wanted)
                            : fmt::format("{} to {}", wanted, episode.number - 1));
    }
    wanted = episode.number + 1;
  }
  if (missing.empty()) return;
  const std::string list = fs::path(place).lexically_relative(folder.path).string();
  folder.faults.emplace_back(
      list, fmt::format(
                "episode {} {} missing: LeRobot's own reader takes numbers for places; `understudy "
                "data convert {} --to {} --out FOLDER` numbers the episodes anew",
                fmt::join(missing, ", "),
                missing.size() == 1 && missing[0].find(' ') == std::string::npos ? "is" : "are",
                folder.path.string(), folder.version == "v3.0" ? "lerobot" : "lerobot21"));
}

void CompareWithFiles(const LerobotFolder& folder, std::vector<std::string>& contradictions) {
  std::error_code none;
  for (const auto& [file, expected] : folder.rows) {
    if (!fs::is_regular_file(file, none)) continue;
    int64_t rows = expected;
    try {
      rows = ParquetReader(file).rows();
    } catch (const Error&) {
    }
    if (rows == expected) continue;
    contradictions.push_back(fmt::format("{}: has {} rows, its episodes in meta/ have {}",
                                         file.string(), rows, expected));
  }
}

std::string FaultOfEmpty(const std::string& list, bool v3, const LerobotEpisode& episode) {
  std::string fault = fmt::format("{}: episode {}: length 0: it has no row", list, episode.number);
  try {
    const int64_t rows = v3 ? 0 : ParquetReader(episode.data).rows();
    if (rows > 0) {
      fault += fmt::format(", but '{}' has {}: `understudy data repair` goes by them",
                           episode.data.string(), rows);
    }
  } catch (const Error&) {
  }
  return fault;
}

void DropMissingFeatures(LerobotFolder& folder) {
  std::error_code none;
  const auto drop = [&](const std::string& name, const char* why) {
    folder.faults.emplace_back("meta/info.json",
                               fmt::format("feature '{}': {}: left out", name, why));
    folder.info["features"].erase(name);
  };
  for (size_t f = folder.films.size(); f-- > 0;) {
    const auto there = [&](const LerobotEpisode& episode) {
      return fs::exists(episode.films[f].file, none);
    };
    if (std::ranges::any_of(folder.episodes, there)) continue;
    drop(folder.films[f], "none of its films is there");
    folder.films.erase(folder.films.begin() + static_cast<std::ptrdiff_t>(f));
    for (LerobotEpisode& episode : folder.episodes) {
      folder.frames.erase(episode.films[f].file);
      episode.films.erase(episode.films.begin() + static_cast<std::ptrdiff_t>(f));
    }
  }
  std::set<std::string> columns;
  for (const auto& [file, rows] : folder.rows) {
    try {
      const ParquetReader reader(file);
      columns.insert(reader.columns().begin(), reader.columns().end());
    } catch (const Error&) {
      // whoever reads the rows says what is wrong
    }
  }
  if (columns.empty()) return;
  const auto nowhere = [&](const std::string& name) {
    if (columns.contains(name)) return false;
    drop(name, "no row has it");
    return true;
  };
  std::erase_if(folder.features, [&](const auto& feature) { return nowhere(feature.name); });
  std::erase_if(folder.pictures, nowhere);
  std::erase_if(folder.texts, nowhere);
}

void CheckFrames(const std::string& list, LerobotFolder& folder) {
  for (size_t f = 0; f < folder.films.size(); ++f) {
    std::vector<const LerobotEpisode*> order;
    for (const LerobotEpisode& episode : folder.episodes) {
      if (episode.length > 0) order.push_back(&episode);
    }
    std::stable_sort(order.begin(), order.end(), [&](const auto* a, const auto* b) {
      return std::tie(a->films[f].file, a->films[f].first_frame) <
             std::tie(b->films[f].file, b->films[f].first_frame);
    });
    for (const LerobotEpisode* episode : order) {
      const LerobotEpisode::Place& place = episode->films[f];
      int64_t& frames = folder.frames[place.file];
      if (place.first_frame < frames) {
        ThrowBadInput(fmt::format(
            "{}: episode {} begins at frame {} of '{}', the episodes before it have {} there", list,
            episode->number, place.first_frame, place.file.string(), frames));
      }
      if (place.first_frame > frames) {
        folder.notes.push_back(fmt::format("{}: frames {} to {} belong to no row",
                                           place.file.lexically_relative(folder.path).string(),
                                           frames, place.first_frame - 1));
      }
      frames = place.first_frame + episode->length;
    }
  }
}

}  // namespace understudy
