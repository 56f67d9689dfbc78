#pragma once

// extras/understudy.h5 of a LeRobot folder: the dataset without its pictures, and what a way back
// needs.

#include <filesystem>
#include <memory>
#include <vector>

#include "core/seam/dataset_header.h"
#include "core/seam/episode_source.h"

namespace understudy {

void WriteExtras(const EpisodeSource& reader, const std::filesystem::path& folder);

// What a LeRobot folder was made of.
struct Extras {
  std::unique_ptr<EpisodeSource> reader;               // the same episodes, without pictures
  DatasetHeader header;                                // of the original, cameras included
  std::vector<std::vector<CameraParameters>> cameras;  // per episode; empty: unknown
  Json report;                                         // of the original
};

bool HasExtras(const std::filesystem::path& lerobot_folder);
// Verifies every number first. Throws Error(kBadInput) where the file has faults or was not written
// beside a LeRobot dataset.
Extras OpenExtras(const std::filesystem::path& lerobot_folder);

}  // namespace understudy
