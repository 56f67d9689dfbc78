#pragma once

// extras/understudy.h5 of a LeRobot folder: the dataset without its pictures, and what a way back
// needs.

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/seam/dataset_header.h"
#include "core/seam/episode_source.h"
#include "data/store/writer.h"

namespace understudy {

// Writes extras/understudy.h5 of the LeRobot folder `folder`, made of `source`, which outlives it.
class ExtrasWriter {
 public:
  ExtrasWriter(const EpisodeSource& source, const std::filesystem::path& folder);
  // Episode `index` of the source, raw samples included; in rising order.
  void Append(size_t index, const Episode& episode);
  void Finish();

 private:
  const EpisodeSource& source_;
  std::filesystem::path file_;
  DatasetWriter writer_;
  std::map<std::string, std::string> names_;  // of the source: of the extras
  std::vector<std::vector<CameraParameters>> cameras_;
};

// What a LeRobot folder was made of.
struct Extras {
  std::unique_ptr<EpisodeSource> reader;               // the same episodes, without pictures
  DatasetHeader header;                                // of the original, cameras included
  std::vector<std::vector<CameraParameters>> cameras;  // per episode; empty: unknown
  Json report;                                         // of the original
};

bool HasExtras(const std::filesystem::path& lerobot_folder);
// Verifies every number first, unless the file is as it was written. Throws Error(kBadInput) where
// the file has faults or was not written beside a LeRobot dataset.
Extras OpenExtras(const std::filesystem::path& lerobot_folder);

}  // namespace understudy
