#pragma once

#include <vector>

#include "core/base/json.h"
#include "core/episode/attempt_end.h"
#include "core/seam/episode_source.h"

namespace understudy {

// Counts, lengths, success, tasks, sizes, statistics of actions: what `data info` prints. Episodes
// whose rows cannot be read are named.
Json DescribeDataset(const EpisodeSource& reader);

// The attempts of recording sessions in the report of a dataset; none where it has none that is
// understood.
std::vector<AttemptEnd> RecordedAttempts(const EpisodeSource& reader);

// What a source leaves out since it cannot be read (ReadOptions::skip_bad): {"count", "episodes":
// {name: reason}}.
Json SkippedToJson(const std::vector<SkippedEpisode>& skipped);

}  // namespace understudy
