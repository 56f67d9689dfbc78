#include "mimic/attempt/attempt_meta.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "core/base/hash.h"
#include "core/base/version.h"
#include "core/episode/subtasks_of.h"

namespace understudy {
namespace {

// Renumbers the rows' sources from the set to the list of uuids that the episode names, in the
// order of the subtasks.
void NameSources(const SourceSet& sources, Attempt* attempt) {
  std::map<int32_t, int32_t> source_of;  // by subtask
  for (const Step& row : attempt->episode.steps) {
    VisitSubtasks(row,
                  [&](int32_t subtask, int32_t source) { source_of.try_emplace(subtask, source); });
  }
  std::vector<int32_t> place(sources.demos().size(), -1);
  for (const auto& [subtask, source] : source_of) {
    if (place[source] >= 0) continue;
    place[source] = static_cast<int32_t>(attempt->episode.meta.sources.size());
    attempt->episode.meta.sources.push_back(sources.demos()[source].uuid);
  }
  for (Step& row : attempt->episode.steps) {
    row.source = place[row.source];
    for (ArmPart& part : row.parts) part.source = part.source < 0 ? -1 : place[part.source];
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
  meta.program_version = ProgramVersion();
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
