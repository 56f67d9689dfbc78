#include "app/say_skipped.h"

#include <fmt/format.h>

#include "data/store/edit/describe.h"

namespace understudy {

void SaySkipped(const EpisodeSource& source, Progress& progress, Json* report) {
  SaySkipped(source.skipped(), progress, report);
}

void SaySkipped(const std::vector<SkippedEpisode>& skipped, Progress& progress, Json* report) {
  if (skipped.empty()) return;
  for (const SkippedEpisode& episode : skipped) {
    progress.Message(fmt::format("left out: {}: {}", episode.name, episode.reason));
  }
  (*report)["skipped"] = SkippedToJson(skipped);
}

}  // namespace understudy
