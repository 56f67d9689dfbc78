#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/episode/episode.h"
#include "core/seam/dataset_header.h"

namespace understudy {

// Records one episode row by row into `path`.part; flushed at least once a second. Finish renames
// to `path`; Discard renames to `path`.rejected. Destroyed without either: the .part stays and is
// found by Salvage. The result is a dataset of one episode.
class EpisodeRecorder {
 public:
  EpisodeRecorder(const std::filesystem::path& path, const DatasetHeader& header,
                  const EpisodeMeta& meta);
  ~EpisodeRecorder();
  void Append(const Step& step);
  void AppendRaw(const RawSample& sample);
  void Flush();  // also called by Append when a second has passed
  void Finish(const EpisodeMeta& meta, const SimState& final_state,
              const Observation& final_observation, const RawStream& raw_info);
  void Discard(const std::string& reason);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct SalvageReport {
  std::filesystem::path file;
  int64_t rows = 0;
  std::string outcome;  // in words
};
// Finds .part files of recordings in `folder`, cuts them to whole rows, marks them "interrupted"
// and renames them to <name>.interrupted.h5. Returns what it found.
std::vector<SalvageReport> Salvage(const std::filesystem::path& folder);

}  // namespace understudy
