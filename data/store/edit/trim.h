#pragma once

#include <filesystem>

#include "core/base/progress.h"
#include "core/seam/episode_source.h"
#include "data/store/read_options.h"

namespace understudy {

struct TrimOptions {
  int margin = 5;       // idle rows that stay at each end
  int least_rows = 20;  // an episode that would become shorter stays as it is
  bool head = true, tail = true;
  bool overwrite = false;
  ReadOptions read = {};
};
struct TrimReport {
  int64_t episodes = 0, trimmed = 0;
  int64_t rows = 0, rows_dropped = 0;
};

// Rows [first, end) of an episode.
struct Stretch {
  size_t first = 0, end = 0;
};
// The rows that stay of an episode. Where it has no commands of arms, rows are idle whose stored
// action is that of the first, or of the last row.
Stretch WithoutIdleEnds(const EpisodeSource& reader, size_t index, const Episode& episode,
                        const TrimOptions& options);

// A copy of `input` without the idle rows at the ends of its episodes (rows whose command is that
// of the first, or of the last row: core/episode/motion.h). A trimmed episode is another episode:
// its uuid is made of the old one and the rows that are left, and the old one becomes its only
// parent; what is not trimmed keeps its own. States, labels, pictures and clocks go with their
// rows, the raw device stream stays whole. Filter keys follow; attempts are left out. Written
// atomically.
TrimReport TrimDataset(const std::filesystem::path& input, const std::filesystem::path& output,
                       const TrimOptions& options, Progress& progress);

}  // namespace understudy
