#include "app/say_skipped.h"

#include <fmt/format.h>

#include "data/store/edit/describe.h"

namespace understudy {

void SaySkipped(const EpisodeSource& source, Progress& progress, Json* report) {
  if (source.skipped().empty()) return;
  for (const SkippedEpisode& episode : source.skipped()) {
    progress.Message(fmt::format("left out: {}: {}", episode.name, episode.reason));
  }
  (*report)["skipped"] = SkippedToJson(source.skipped());
}

}  // namespace understudy
