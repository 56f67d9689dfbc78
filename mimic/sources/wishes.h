#pragma once

#include <map>
#include <string>

#include "core/seam/episode_source.h"
#include "mimic/sources/review.h"

namespace understudy {

// Wishes of a review by episode and subtask, with the lines that they stand in.
struct Wishes {
  std::string file;
  std::map<size_t, std::map<size_t, ReviewLine>> lines;

  // Throws Error(kBadInput) that names the line.
  [[noreturn]] void Refuse(const ReviewLine& line, const std::string& what) const;
};

// Those of `file` (empty: none) for a dataset of a task with so many subtasks. Throws
// Error(kBadInput) naming the line that is of another dataset, or of none.
Wishes ReadWishes(const std::string& file, const EpisodeSource& reader, size_t subtasks);

}  // namespace understudy
