#include "data/formats/lerobot/lerobot_copy.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <tuple>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "data/formats/lerobot/lerobot_copier.h"
#include "data/formats/lerobot/lerobot_source.h"
#include "data/formats/lerobot/lerobot_tables.h"
#include "data/formats/lerobot/part_folder.h"
#include "data/formats/lerobot/splits.h"
#include "data/formats/lerobot/task_columns.h"
#include "data/formats/parquet/parquet_reader.h"
#include "data/store/edit/require_episodes.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

const LerobotFolder& Checked(const EpisodeSource& source) {
  const LerobotFolder* folder = FolderOf(source);
  Require(folder != nullptr, "a LeRobot dataset");
  return *folder;
}

// Keys of the list of episodes that no version of the format knows.
std::set<std::string> OwnKeysOfEpisodes(const LerobotFolder& folder) {
  std::set<std::string> keys;
  if (folder.listed_by_data) return keys;
  if (folder.version == "v3.0") {
    const ParquetReader file(EpisodeFilesV3(folder.path).at(0));
    for (const std::string& column : file.columns()) {
      bool known = column == "episode_index" || column == "tasks" || column == "length";
      for (const char* prefix : {"data/", "dataset_", "videos/", "stats/", "meta/"}) {
        known |= column.starts_with(prefix);
      }
      if (!known) keys.insert(column);
    }
    return keys;
  }
  std::ifstream lines(folder.path / "meta/episodes.jsonl");
  std::string line;
  while (std::getline(lines, line) && line.find('{') == std::string::npos) {
  }
  const Json first = ParsePythonJson(AsUtf8(line), (folder.path / "meta/episodes.jsonl").string());
  for (const auto& [key, value] : first.items()) {
    if (key != "episode_index" && key != "tasks" && key != "length") keys.insert(key);
  }
  return keys;
}

void RequireReplaceable(const fs::path& folder) {
  if (fs::exists(folder) && !fs::exists(folder / "meta/info.json")) {
    ThrowUsage(folder.string() + ": is no LeRobot dataset: only one is replaced by --overwrite");
  }
}

// Refuses folders that cannot become one, with every reason.
void RequireAlike(const std::vector<const LerobotFolder*>& folders) {
  const LerobotFolder& first = *folders.at(0);
  std::vector<std::string> reasons;
  for (size_t i = 1; i < folders.size(); ++i) {
    const LerobotFolder& other = *folders[i];
    const auto differ = [&](const std::string& what, const auto& theirs, const auto& ours) {
      if (theirs == ours) return;
      reasons.push_back(fmt::format("{}: {} {}, in {} {}", other.path.string(), what, theirs,
                                    first.path.string(), ours));
    };
    differ("rows per second", other.fps, first.fps);
    differ("robot", other.robot, first.robot);
    differ("version", other.version, first.version);
    const auto features = [](const LerobotFolder& folder) {
      std::vector<std::string> texts;
      for (const LerobotFeature& feature : folder.features) {
        texts.push_back(
            fmt::format("{} {} ({})", feature.name, feature.dtype, fmt::join(feature.shape, ", ")));
      }
      for (const auto* keys : {&folder.films, &folder.pictures, &folder.texts}) {
        for (const std::string& key : *keys) {
          const auto size = folder.sizes.find(key);
          texts.push_back(
              size == folder.sizes.end()
                  ? key
                  : fmt::format("{} {} x {}", key, size->second.first, size->second.second));
        }
      }
      return texts;
    };
    const std::vector<std::string> theirs = features(other), ours = features(first);
    if (theirs == ours) continue;
    for (const auto& [all, of, missing_in] :
         {std::tuple(&theirs, &other, &ours), std::tuple(&ours, &first, &theirs)}) {
      for (const std::string& feature : *all) {
        if (std::find(missing_in->begin(), missing_in->end(), feature) != missing_in->end()) {
          continue;
        }
        reasons.push_back(fmt::format("only {} has {}", of->path.string(), feature));
      }
    }
    if (std::is_permutation(theirs.begin(), theirs.end(), ours.begin(), ours.end())) {
      reasons.push_back(fmt::format("{} and {} list their features in another order",
                                    other.path.string(), first.path.string()));
    }
  }
  if (!reasons.empty()) {
    ThrowBadInput(fmt::format("these datasets cannot become one: {}", fmt::join(reasons, "; ")));
  }
}

// An episode that is copied, and what of it.
struct CopiedEpisode {
  size_t folder = 0;
  const LerobotEpisode* episode = nullptr;
  EpisodeCut cut;
};

// The parts that the copied episodes were in.
LerobotSplits SplitsOf(const std::vector<const LerobotFolder*>& folders,
                       const std::vector<CopiedEpisode>& episodes) {
  std::vector<std::pair<size_t, int64_t>> copied;
  for (const CopiedEpisode& one : episodes) copied.emplace_back(one.folder, one.episode->number);
  return SplitsOfCopy(folders, copied);
}
std::vector<CopiedEpisode> AllOf(const LerobotFolder& folder) {
  std::vector<CopiedEpisode> all;
  for (const LerobotEpisode& episode : folder.episodes) all.push_back({0, &episode, {}});
  return all;
}

std::vector<std::string> TasksOf(const LerobotFolder& folder) {
  std::vector<std::string> texts;
  for (const auto& [number, text] : folder.tasks) texts.push_back(text);
  return texts;
}

// The list of tasks for new labels: texts that some column goes on naming keep their numbers, a new
// one takes the first number that nothing uses any more. Nothing where the numbers are not 0, 1, …
std::vector<std::string> TasksAfterRelabel(const LerobotFolder& folder,
                                           const std::vector<CopiedEpisode>& episodes,
                                           const std::optional<std::string>& text,
                                           double tolerance_s, bool name_skip_bad) {
  std::vector<std::string> texts = TasksOf(folder);
  const auto count = static_cast<int64_t>(texts.size());
  if (count == 0 || folder.tasks.begin()->first != 0 || folder.tasks.rbegin()->first != count - 1) {
    return {};
  }
  std::vector<bool> used(texts.size());
  LerobotRowReader reader(folder, tolerance_s);
  for (const CopiedEpisode& copied : episodes) {
    const std::vector<std::vector<double>> values =
        NamingSkipBad(name_skip_bad, [&] { return reader.Read(*copied.episode).values; });
    const std::vector<bool> tells_task = TellsTask(folder, values);
    for (size_t f = 0; f < folder.features.size(); ++f) {
      const bool replaced = copied.cut.task && tells_task[f];
      if (replaced || !IsTaskNumber(folder.features[f])) continue;
      for (const double v : values[f]) {
        if (v >= 0 && v < static_cast<double>(count)) used[static_cast<size_t>(v)] = true;
      }
    }
  }
  if (text) {
    const auto same = std::find(texts.begin(), texts.end(), *text);
    const auto free = std::find(used.begin(), used.end(), false);
    if (same != texts.end()) {
      used[static_cast<size_t>(same - texts.begin())] = true;
    } else if (free != used.end()) {
      texts[static_cast<size_t>(free - used.begin())] = *text;
      *free = true;
    }
  }
  while (!used.empty() && !used.back()) {
    used.pop_back();
    texts.pop_back();
  }
  return texts;
}

// Makes `folder` as <folder>.part and renames it when it is whole. `name_skip_bad`: as
// NamingSkipBad.
LerobotReport WriteFolder(const std::vector<const LerobotFolder*>& folders,
                          const std::vector<CopiedEpisode>& episodes, const fs::path& folder,
                          const LerobotOptions& options, const LerobotImportOptions& reading,
                          CopiedLists lists, bool name_skip_bad, Progress& progress) {
  const fs::path part = PartOf(folder);
  PartFolder part_folder(part);
  LerobotReport report;
  {
    LerobotCopier copier(folders, part, options, reading, std::move(lists));
    progress.Start("writing " + folder.string(), static_cast<int64_t>(episodes.size()), "episodes");
    int64_t done = 0;
    for (const CopiedEpisode& copied : episodes) {
      if (InterruptRequested()) ThrowFailed(folder.string() + ": interrupted, nothing was written");
      NamingSkipBad(name_skip_bad,
                    [&] { copier.Copy(copied.folder, *copied.episode, copied.cut); });
      progress.Advance(++done);
    }
    copier.Finish(report);
  }
  if (options.overwrite) fs::remove_all(folder);
  part_folder.KeepAs(folder);
  progress.Finish(fmt::format("{} frames", report.frames));
  return report;
}

}  // namespace

std::vector<std::string> LostInCopy(const EpisodeSource& source, const LerobotOptions& options) {
  const LerobotFolder& folder = Checked(source);
  std::vector<std::string> lost;
  for (const auto& [place, what] : folder.faults) {
    lost.push_back(fmt::format("{}: {}", place, what));
  }
  for (const std::string& note : folder.notes) lost.push_back(note);
  for (std::string& line : SplitsOf({&folder}, AllOf(folder)).lost) {
    lost.push_back(std::move(line));
  }
  if (options.version == LerobotVersion::kV21) {
    std::set<std::string> cut;
    const std::map<fs::path, int64_t> shares = EpisodesOfFilms(folder);
    for (const LerobotEpisode& episode : folder.episodes) {
      for (size_t f = 0; f < episode.films.size(); ++f) {
        const LerobotEpisode::Place& place = episode.films[f];
        if (shares.at(place.file) > 1 || place.first_frame > 0) cut.insert(folder.films[f]);
      }
    }
    for (const std::string& film : cut) {
      lost.push_back(fmt::format(
          "{}: its films hold several episodes: they are cut by encoding them anew with rate "
          "factor "
          "{}, which keeps the pictures nearly{}",
          film, options.quality, folder.depths.contains(film) ? ", 8 bits of each number" : ""));
    }
  }
  for (const std::string& key : OwnKeysOfEpisodes(folder)) {
    lost.push_back(fmt::format("'{}' in the list of episodes: the formats do not know it", key));
  }
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder.path, none)) {
    const std::string name = entry.path().filename().string();
    // pictures that rows name are taken into the Parquet files
    const bool known = name == "data" || name == "videos" || name == "meta" ||
                       (name == "images" && !folder.pictures.empty());
    if (entry.is_directory(none) && !known && !name.starts_with(".")) {
      lost.push_back(name + "/: is no part of the format, left out");
    }
  }
  return lost;
}

LerobotReport CopyLerobot(const EpisodeSource& source, const fs::path& folder,
                          const LerobotOptions& options, const LerobotImportOptions& reading,
                          Progress& progress) {
  const LerobotFolder& from = Checked(source);
  RequireEpisodes(source);
  CheckOutput(folder, options.overwrite, {from.path});
  RequireReplaceable(folder);
  const std::vector<CopiedEpisode> episodes = AllOf(from);
  CopiedLists lists{TasksOf(from), SplitsOf({&from}, episodes).json};
  return WriteFolder({&from}, episodes, folder, options, reading, std::move(lists),
                     source.skipped().empty(), progress);
}

void EditLerobot(const std::vector<const EpisodeSource*>& inputs, const CopyPlan& plan,
                 const fs::path& folder, const LerobotOptions& options,
                 const LerobotImportOptions& reading, Progress& progress) {
  std::vector<const LerobotFolder*> folders;
  std::vector<fs::path> paths;
  for (const EpisodeSource* input : inputs) {
    folders.push_back(&Checked(*input));
    paths.push_back(folders.back()->path);
  }
  if (plan.episodes.empty()) {
    for (const EpisodeSource* input : inputs) RequireEpisodes(*input);
    ThrowBadInput(folder.string() + ": no episode is to be copied");
  }
  RequireAlike(folders);
  const LerobotFolder& first = *folders[0];
  if (!plan.masks.empty()) {
    ThrowUsage(folder.string() + ": LeRobot has no place for filter keys: give --files");
  }
  if (plan.cause && !plan.cause->empty()) {
    ThrowUsage(folder.string() + ": LeRobot has no place for a cause of failure");
  }
  if (plan.success && first.Find("next.success") == nullptr) {
    ThrowUsage(
        fmt::format("{}: has no feature next.success: LeRobot has no other place for how an "
                    "episode ended",
                    first.path.string()));
  }
  CheckOutput(folder, plan.overwrite, paths);
  RequireReplaceable(folder);
  for (const LerobotFolder* input : folders) {
    for (const std::string& key : OwnKeysOfEpisodes(*input)) {
      progress.Message(
          fmt::format("lost: {}: '{}' in the list of episodes: the formats do not "
                      "know it",
                      input->path.string(), key));
    }
  }
  std::vector<CopiedEpisode> episodes;
  for (const CopyPlan::Pick& pick : plan.episodes) {
    EpisodeCut cut{static_cast<int64_t>(pick.first_row)};
    if (pick.end_row) cut.count = static_cast<int64_t>(*pick.end_row - pick.first_row);
    if (pick.relabel) {
      cut.task = plan.instruction;
      cut.success = plan.success;
    }
    episodes.push_back({pick.input, &folders[pick.input]->episodes.at(pick.episode), cut});
  }
  LerobotOptions written = options;
  written.version = first.version == "v3.0" ? LerobotVersion::kV30 : LerobotVersion::kV21;
  written.overwrite = plan.overwrite;
  const LerobotSplits splits = SplitsOf(folders, episodes);
  for (const std::string& line : splits.lost) progress.Message("lost: " + line);
  CopiedLists lists{{}, splits.json};
  const bool relabels = std::any_of(plan.episodes.begin(), plan.episodes.end(),
                                    [](const CopyPlan::Pick& pick) { return pick.relabel; });
  if (relabels && folders.size() == 1) {
    lists.tasks = TasksAfterRelabel(first, episodes, plan.instruction, reading.tolerance_s,
                                    !plan.read.skip_bad);
  }
  WriteFolder(folders, episodes, folder, written, reading, std::move(lists), !plan.read.skip_bad,
              progress);
}

}  // namespace understudy
