#include "data/formats/lerobot/not_carried.h"

#include <fmt/format.h>

#include <functional>
#include <optional>
#include <set>
#include <string_view>

#include "core/base/error.h"
#include "data/formats/lerobot/named_arms.h"
#include "data/formats/lerobot/task_columns.h"
#include "data/formats/parquet/parquet_reader.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

// Where a PNG file says its kind of colours, and the end of its header.
constexpr size_t kPngColours = 25, kPngHeader = 33;
constexpr char kGreyWithAlpha = 4, kColoursWithAlpha = 6;

bool IsPng(std::string_view file) {
  return file.size() >= kPngHeader && file.starts_with("\x89PNG");
}
bool IsTransparent(std::string_view file) {
  const char colours = file[kPngColours];
  return colours == kGreyWithAlpha || colours == kColoursWithAlpha ||
         file.substr(0, file.find("IDAT")).find("tRNS") != std::string_view::npos;
}

// Every episode with its open file; what cannot be read is passed over.
void ForEachEpisode(const LerobotFolder& folder,
                    const std::function<void(const LerobotEpisode&, const ParquetReader&)>& use) {
  std::optional<ParquetReader> file;
  for (const LerobotEpisode& episode : folder.episodes) {
    if (!episode.fault.empty() || folder.missing.contains(episode.data)) continue;
    try {
      if (!file || file->file() != episode.data) {
        file.reset();
        file.emplace(episode.data);
      }
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kBadInput) throw;
      continue;
    }
    use(episode, *file);
  }
}

void AddNames(const LerobotFolder& folder, std::vector<std::string>& lost) {
  const bool arms = !NamedArms(folder).empty();
  std::vector<std::string> named;
  for (const LerobotFeature& feature : folder.features) {
    const bool ours = arms && (&feature == folder.State() || &feature == folder.Action() ||
                               feature.name == "action.target");
    const Json names = folder.info["features"][feature.name].value("names", Json());
    if (!ours && !names.is_null() && !names.empty()) named.push_back(feature.name);
  }
  if (named.empty()) return;
  lost.push_back(fmt::format("the names of the numbers of {}: there is no place for them",
                             fmt::join(named, ", ")));
}

void AddTaskNumbers(const LerobotFolder& folder, std::vector<std::string>& lost) {
  for (const LerobotFeature& feature : folder.features) {
    if (!IsTaskNumber(feature) || feature.name == "task_index") continue;
    lost.push_back(feature.name +
                   ": stays a number that counts in the list of tasks, which has no place");
  }
}

void AddFiles(const LerobotFolder& folder, std::vector<std::string>& lost) {
  static const std::set<std::string> read{
      "info.json",   "stats.json",    "episodes.jsonl",  "episodes_stats.jsonl",
      "tasks.jsonl", "tasks.parquet", "subtasks.parquet"};
  std::error_code none;
  std::set<std::string> left;
  for (const auto& entry : fs::directory_iterator(folder.path / "meta", none)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file(none) && !read.contains(name)) left.insert(name);
  }
  for (const std::string& name : left) lost.push_back("meta/" + name + ": left out");
}

void AddGaps(const LerobotFolder& folder, std::vector<std::string>& lost) {
  std::set<std::string> listed;
  if (folder.texts.empty()) return;
  ForEachEpisode(folder, [&](const LerobotEpisode& episode, const ParquetReader& file) {
    for (const std::string& name : folder.texts) {
      if (listed.contains(name) || !file.Has(name) || !file.IsTexts(name)) continue;
      const int64_t row = file.FirstGap(name, episode.first_row, SpanOf(episode));
      if (row < 0 || !listed.insert(name).second) continue;
      lost.push_back(fmt::format("{}: row {} of episode {} has no text: such rows get an empty one",
                                 name, row, episode.number));
    }
  });
}

void AddPictures(const LerobotFolder& folder, std::vector<std::string>& lost) {
  std::set<std::string> transparent;
  if (folder.pictures.empty()) return;
  ForEachEpisode(folder, [&](const LerobotEpisode& episode, const ParquetReader& file) {
    for (const std::string& key : folder.pictures) {
      for (int64_t row = 0; row < episode.length; ++row) {
        std::vector<std::string> pictures;
        try {
          pictures = file.Files(key, episode.first_row + row, 1, folder.path);
        } catch (const Error& error) {
          if (error.kind() != ErrorKind::kBadInput) throw;
          break;
        }
        if (IsPng(pictures.at(0)) && IsTransparent(pictures[0])) transparent.insert(key);
      }
    }
  });
  for (const std::string& key : transparent) {
    lost.push_back(key + ": the transparency (alpha) of its pictures");
  }
}

}  // namespace

std::vector<std::string> NotCarried(const LerobotFolder& folder) {
  std::vector<std::string> lost;
  AddNames(folder, lost);
  AddTaskNumbers(folder, lost);
  AddFiles(folder, lost);
  AddGaps(folder, lost);
  AddPictures(folder, lost);
  return lost;
}

}  // namespace understudy
