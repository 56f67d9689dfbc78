#pragma once

#include <map>
#include <string>

#include "core/seam/episode_source.h"
#include "mimic/sources/review.h"

namespace understudy {

// Edits of a review file, by episode and subtask, with their lines.
struct ReviewEdits {
  std::string file;
  std::map<size_t, std::map<size_t, ReviewLine>> lines;

  // Throws Error(kBadInput) that names the line.
  [[noreturn]] void Refuse(const ReviewLine& line, const std::string& what) const;
};

// The edits in `file` (empty: none) for a dataset of a task with `subtasks` subtasks. Throws
// Error(kBadInput) naming a line that does not belong to the dataset.
ReviewEdits ReadReviewEdits(const std::string& file, const EpisodeSource& reader, size_t subtasks);

}  // namespace understudy
