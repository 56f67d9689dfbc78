#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/options.h"
#include "core/base/progress.h"
#include "core/seam/episode_source.h"

namespace understudy {

struct LerobotImportOptions {
  bool extras = true;
  double tolerance_s = 1e-4;
  bool overwrite = false;
  // By the command, not visited.
  bool skip_bad = false;  // leave out episodes that cannot be read
  double control_hz = 0;  // Hz, where info.json says no rate; 0: that is an error
  template <class V>
  void Visit(V& v) {
    v("extras", extras, "restore the dataset from extras/understudy.h5 where the folder has one");
    v("tolerance_s", tolerance_s, "of timestamps against frame / rate: LeRobot's own default",
      Limits{0, 1e9});
  }
};

struct LerobotImportReport {
  std::string version;  // "v2.1"
  bool exact = false;   // restored from the extras
  int64_t episodes = 0, frames = 0;
  std::vector<std::string> dropped;         // uuids of episodes that only the extras still have
  std::vector<std::string> not_understood;  // in words
  std::vector<SkippedEpisode> skipped;
};

// "v3.0". Throws Error(kBadInput) for no LeRobot dataset and for versions that are not read.
std::string LerobotVersionOf(const std::filesystem::path& folder);

// What ReadLerobot would lose, in words, and into `skipped` (unless null) the episodes that it
// would leave out. Throws as ReadLerobot does, also where pictures of a camera have several sizes;
// decodes none.
std::vector<std::string> LostFromLerobot(const std::filesystem::path& folder,
                                         const LerobotImportOptions& options,
                                         std::vector<SkippedEpisode>* skipped = nullptr);

// Writes `out`, a dataset, of a LeRobot dataset v2.0, v2.1 or v3.0. Pictures come from the films.
// With extras: the dataset that the folder was written from, bit for bit but for pictures; every
// number of the Parquet files is compared with it. Episodes that were deleted on LeRobot's side are
// left out, where it is clear which ones. Without: robomimic's layout (`actions`, `obs/state`,
// `obs/<camera>_image`), robosuite's names for features that are named as WriteLerobot names them,
// everything else below `lerobot/`. Memory: an episode, a row group, some pictures. Throws
// Error(kBadInput) naming file and object for whatever contradicts itself, Error(kUsage) where
// `out` exists; `out` appears whole or not at all.
LerobotImportReport ReadLerobot(const std::filesystem::path& folder,
                                const std::filesystem::path& out,
                                const LerobotImportOptions& options, Progress& progress);

}  // namespace understudy
