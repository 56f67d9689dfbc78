#pragma once

#include <filesystem>
#include <vector>

#include "core/seam/episode_source.h"

namespace understudy {

// Throws Error(kBadInput) where a dataset has no episode to work on: because it holds none, or
// because all of them were left out (ReadOptions::skip_bad), with the reason of the first.
void RequireEpisodes(const EpisodeSource& source);
void RequireEpisodes(const std::filesystem::path& dataset, size_t episodes,
                     const std::vector<SkippedEpisode>& skipped);

}  // namespace understudy
