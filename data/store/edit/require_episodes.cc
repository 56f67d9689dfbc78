#include "data/store/edit/require_episodes.h"

#include <fmt/format.h>

#include "core/base/error.h"

namespace understudy {

void RequireEpisodes(const EpisodeSource& source) {
  RequireEpisodes(source.path(), source.episodes().size(), source.skipped());
}

void RequireEpisodes(const std::filesystem::path& dataset, size_t episodes,
                     const std::vector<SkippedEpisode>& skipped) {
  if (episodes > 0) return;
  if (skipped.empty()) ThrowBadInput(fmt::format("{}: holds no episode", dataset.string()));
  ThrowBadInput(fmt::format("{}: no episode is left, none of its {} can be read: {}: {}",
                            dataset.string(), skipped.size(), skipped[0].name, skipped[0].reason));
}

}  // namespace understudy
