#include "mimic/sources/review_edits.h"

#include <fmt/format.h>

#include <vector>

#include "core/base/error.h"

namespace understudy {

void ReviewEdits::Refuse(const ReviewLine& line, const std::string& what) const {
  ThrowBadInput(fmt::format("{}:{}: {}: {}", file, line.line, line.demo, what));
}

ReviewEdits ReadReviewEdits(const std::string& file, const EpisodeSource& reader, size_t subtasks) {
  ReviewEdits edits{file, {}};
  if (file.empty()) return edits;
  std::map<std::string, size_t> places;
  const std::vector<EpisodeSummary>& episodes = reader.episodes();
  for (size_t i = 0; i < episodes.size(); ++i) places[episodes[i].name] = i;
  for (const ReviewLine& line : ReadReview(file)) {
    const auto found = places.find(line.demo);
    if (found == places.end()) {
      edits.Refuse(line, fmt::format("{} has no such demonstration (it has {})",
                                     reader.path().string(), episodes.size()));
    }
    if (line.uuid != episodes[found->second].uuid) {
      edits.Refuse(line,
                   fmt::format("has the uuid {} in {}, not {}: the review is of another "
                               "dataset",
                               episodes[found->second].uuid, reader.path().string(), line.uuid));
    }
    const auto subtask = static_cast<size_t>(line.subtask);
    if (subtask >= subtasks) {
      edits.Refuse(line, fmt::format("subtask {} of a task with {}", subtask, subtasks));
    }
    const auto [twin, fresh] = edits.lines[found->second].emplace(subtask, line);
    if (!fresh) {
      edits.Refuse(line,
                   fmt::format("subtask {} stands in line {} already", subtask, twin->second.line));
    }
  }
  return edits;
}

}  // namespace understudy
