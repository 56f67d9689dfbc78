#include "mimic/attempt_meta.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "data/base/hash.h"

namespace understudy {
namespace {

// Renumbers the rows' sources from the set to the list of uuids that the episode names.
void NameSources(const SourceSet& sources, Attempt* attempt) {
  std::vector<int32_t> place(sources.demos().size(), -1);
  for (Step& row : attempt->episode.steps) {
    if (place[row.source] < 0) {
      place[row.source] = static_cast<int32_t>(attempt->episode.meta.sources.size());
      attempt->episode.meta.sources.push_back(sources.demos()[row.source].uuid);
    }
    row.source = place[row.source];
  }
  attempt->episode.meta.parents = attempt->episode.meta.sources;
}

// Counts of what the steps are made of.
Json QualityOf(const Episode& episode) {
  int64_t bridge = 0, hold = 0, segment = 0, clipped = 0;
  for (const Step& row : episode.steps) {
    bridge += row.label == StepLabel::kBridge;
    hold += row.label == StepLabel::kHold;
    segment += row.label == StepLabel::kSegment;
    clipped += std::any_of(row.delta.begin(), row.delta.end(),
                           [](const DeltaAction& delta) { return delta.clipped; });
  }
  return {{"bridge_steps", bridge},
          {"hold_steps", hold},
          {"segment_steps", segment},
          {"clipped_steps", clipped}};
}

}  // namespace

void FillMeta(const SourceSet& sources, const RngKey& key, const Json& settings, Attempt* attempt) {
  NameSources(sources, attempt);

  EpisodeMeta& meta = attempt->episode.meta;
  meta.success = attempt->success();
  meta.settings = settings;
  meta.quality = QualityOf(attempt->episode);
  if (attempt->failure) {
    meta.cause = CauseName(attempt->failure->cause);
    meta.quality["failure"] = {{"subtask", attempt->failure->subtask},
                               {"step", attempt->failure->step},
                               {"detail", attempt->failure->detail}};
  }

  // an identity of everything that the attempt depends on
  std::string parents = fmt::format("{} {} {}", meta.task, meta.variant, settings.dump());
  for (const SourceDemo& demo : sources.demos()) parents += " " + demo.uuid;
  meta.uuid = MakeUuid(parents, key);
}

}  // namespace understudy
