#pragma once

// Files of robomimic, MimicGen and Isaac Lab into our own format.

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/base/progress.h"
#include "core/seam/dataset_header.h"
#include "core/seam/episode_source.h"
#include "data/formats/base/translate.h"
#include "data/formats/family/foreign_writer.h"

namespace understudy {

struct ImportOptions {
  double control_hz = 0;       // Hz; 0: the file's
  Json task = Json::object();  // the task.yaml, resolved, where the task is known
  int compression = 1;         // deflate level of pictures
  bool overwrite = false;
  // Change the header, and every episode (by number) before it is written: it has our names and
  // frames and still the flat states of the file. Empty: nothing is changed.
  std::function<void(DatasetHeader*)> edit_header = {};
  std::function<void(size_t, Episode*)> edit_episode = {};
};

// Lines of the lists of what is lost: masks that name missing episodes, and columns that `first`,
// the first episode in our names, has no place for but those of `written`.
std::vector<std::string> LostOfFile(const DatasetHeader& header, const Episode* first,
                                    const std::vector<std::string>& written);

// What a refusal of an episode ends with: what the file's actions are, and what to do with it.
std::string RefusalHint(const DatasetHeader& header);

// Refuses an episode whose arms have other numbers of joints or fingers than those of the ones
// before, by `usual`: what they have, empty before the first.
void RequireAlike(const EpisodeSource& reader, size_t index, const Episode& episode,
                  std::string* usual);

// What does not come over, and what is only assumed, in words.
std::vector<std::string> LostInImport(const EpisodeSource& reader, const Translation& from);

// Writes `output` in our own format: poses, targets, joints, objects, signals, pictures and filter
// keys, in our names and frames where `from` knows them. Nothing is invented: there are no states
// of the simulator, and where a file stores nothing after the last action, the episode
// ends one row earlier. Episodes keep their names as DatasetWriter::Options says. Throws
// Error(kUsage) where `output` exists or the dataset is ours already, Error(kBadInput) naming the
// episode that has no poses or no actions that are understood.
ForeignReport ImportForeign(const EpisodeSource& reader, const std::filesystem::path& output,
                            const ImportOptions& options, const Translation& from,
                            Progress& progress);

// The last row becomes the instant after the last action, where an episode has none: its own
// action has no known result. False where nothing would be left.
bool EndAtLastObservation(Episode* episode);

}  // namespace understudy
