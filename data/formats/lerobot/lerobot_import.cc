#include "data/formats/lerobot/lerobot_import.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "data/formats/lerobot/frame_table.h"
#include "data/formats/lerobot/lerobot_import_parts.h"
#include "data/formats/lerobot/lerobot_rows.h"
#include "data/store/edit/require_episodes.h"
#include "data/store/files.h"

namespace understudy {
namespace fs = std::filesystem;
namespace {

// Removes what an interrupted DatasetWriter leaves, unless the import succeeded.
class PartGuard {
 public:
  explicit PartGuard(const fs::path& out) : part_(PartOf(out)) {}
  ~PartGuard() {
    if (kept_) return;
    std::error_code none;
    for (const char* suffix : {"", ".new", ".journal"}) fs::remove(part_.string() + suffix, none);
  }
  PartGuard(const PartGuard&) = delete;
  PartGuard& operator=(const PartGuard&) = delete;
  void Keep() { kept_ = true; }

 private:
  fs::path part_;
  bool kept_ = false;
};

bool Restores(const fs::path& folder, const LerobotImportOptions& options) {
  return options.extras && HasExtras(folder);
}

// Features that the extras know nothing of.
std::vector<std::string> NotInExtras(const LerobotFolder& folder, const Extras& extras) {
  const Episode first = extras.reader->ReadEpisode(0);
  const FrameTable table(ArmsOf(first, extras.header.simulator, extras.reader->path().string()),
                         LerobotVersion::kV21);
  std::vector<std::string> strange = folder.unread;
  for (const LerobotFeature& feature : folder.features) {
    bool ours = false;
    for (const Feature& known : table.features()) ours |= known.name == feature.name;
    if (!ours) strange.push_back(feature.name);
  }
  for (const std::string& text : folder.texts) strange.push_back(text);
  for (const std::string& picture : folder.pictures) strange.push_back(picture);
  for (const std::string& film : folder.films) {
    bool ours = false;
    for (const std::string& camera : extras.header.cameras) ours |= PictureKey(camera) == film;
    if (!ours) strange.push_back(film);
  }
  for (std::string& name : strange) name += ": was added by somebody else, is left out";
  return strange;
}

// Faults that reading could go around, and what is odd but right.
std::vector<std::string> Oddities(const LerobotFolder& folder) {
  std::vector<std::string> lines;
  for (const auto& [place, what] : folder.faults) lines.push_back(place + ": " + what);
  lines.insert(lines.end(), folder.notes.begin(), folder.notes.end());
  return lines;
}

// Those whose rows or films cannot be read.
std::vector<SkippedEpisode> LeaveOutBad(LerobotFolder& folder, double tolerance_s) {
  std::vector<SkippedEpisode> skipped;
  std::vector<LerobotEpisode> sound;
  const std::vector<std::string> faults = FaultsOfEpisodes(folder, tolerance_s);
  for (size_t e = 0; e < faults.size(); ++e) {
    if (faults[e].empty()) {
      sound.push_back(folder.episodes[e]);
      continue;
    }
    skipped.push_back({fmt::format("demo_{}", e), faults[e]});
  }
  folder.episodes = std::move(sound);
  RequireEpisodes(folder.path, folder.episodes.size(), skipped);
  return skipped;
}

}  // namespace

std::string CameraOfKey(const std::string& key) {
  for (const std::string prefix : {"observation.images.", "observation."}) {
    if (key.size() > prefix.size() && key.starts_with(prefix)) return key.substr(prefix.size());
  }
  return key;
}

std::vector<std::string> LostFromLerobot(const fs::path& path, const LerobotImportOptions& options,
                                         std::vector<SkippedEpisode>* skipped) {
  LerobotFolder folder = OpenLerobot(path, options.control_hz);
  if (options.skip_bad) {
    std::vector<SkippedEpisode> left_out = LeaveOutBad(folder, options.tolerance_s);
    if (skipped != nullptr) *skipped = std::move(left_out);
  } else {
    RequireOneSizes(folder);
  }
  std::vector<std::string> lost = Oddities(folder);
  if (!folder.films.empty())
    lost.push_back("pictures: as the films show them, their codec is lossy");
  if (Restores(path, options)) {
    const Extras extras = OpenExtras(path);
    RequireEpisodes(*extras.reader);
    for (std::string& line : NotInExtras(folder, extras)) lost.push_back(std::move(line));
  } else {
    for (std::string& line : NotInBare(folder)) lost.push_back(std::move(line));
  }
  return lost;
}

LerobotImportReport ReadLerobot(const fs::path& path, const fs::path& out,
                                const LerobotImportOptions& options, Progress& progress) {
  std::error_code none;
  CheckOutput(out, options.overwrite);
  if (fs::is_directory(out, none)) {
    ThrowUsage(out.string() + ": is a folder; the dataset to write is a file");
  }
  LerobotFolder folder = OpenLerobot(path, options.control_hz);
  LerobotImportReport report;
  if (options.skip_bad) report.skipped = LeaveOutBad(folder, options.tolerance_s);
  for (const SkippedEpisode& episode : report.skipped) {
    progress.Message(fmt::format("left out: {}: {}", episode.name, episode.reason));
  }
  report.version = folder.version;
  report.not_understood = Oddities(folder);
  PartGuard guard(out);
  if (Restores(path, options)) {
    const Extras extras = OpenExtras(path);
    RequireEpisodes(*extras.reader);
    report.exact = true;
    for (std::string& line : NotInExtras(folder, extras)) {
      report.not_understood.push_back(std::move(line));
    }
    ImportExactly(folder, extras, out, options, progress, report);
  } else {
    for (std::string& line : NotInBare(folder)) report.not_understood.push_back(std::move(line));
    ImportBare(folder, out, options, progress, report);
  }
  guard.Keep();
  progress.Finish(fmt::format("{} episodes, {} frames", report.episodes, report.frames));
  return report;
}

}  // namespace understudy
