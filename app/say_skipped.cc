#include "app/say_skipped.h"

#include <fmt/format.h>

#include <algorithm>

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

std::string RenamedToText(const Json& result) {
  if (!result.contains("renamed")) return "";
  constexpr size_t kMost = 5;
  const Json& renamed = result["renamed"];
  std::string text;
  size_t shown = 0;
  for (const auto& [from, to] : renamed.items()) {
    if (shown++ == kMost) break;
    text +=
        fmt::format("{}{} is now {}", shown == 1 ? "renamed: " : ", ", from, to.get<std::string>());
  }
  const size_t more = renamed.size() - std::min(kMost, renamed.size());
  return text + (more > 0 ? fmt::format(", and {} more (--json has them)\n", more) : "\n");
}

}  // namespace understudy
