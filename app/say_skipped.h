#pragma once

#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/progress.h"
#include "core/seam/episode_source.h"

namespace understudy {

// Says which episodes a source leaves out since they cannot be read, and puts them as `skipped`
// into a command's report, where there are any.
void SaySkipped(const EpisodeSource& source, Progress& progress, Json* report);
void SaySkipped(const std::vector<SkippedEpisode>& skipped, Progress& progress, Json* report);

// What a command's result says of episodes with other names in the new dataset (`renamed`), as a
// line of text; empty: nothing.
std::string RenamedToText(const Json& result);

}  // namespace understudy
