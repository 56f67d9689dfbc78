#include "data/store/edit/describe_by.h"

#include <algorithm>
#include <map>

#include "core/base/error.h"
#include "core/episode/attempt_end.h"
#include "data/store/edit/describe.h"

namespace understudy {
namespace {

struct Group {
  int64_t episodes = 0, successes = 0, unknown = 0, unread = 0;
  double recorded_s = 0;
  double measured_steps = 0, untracked = 0, clamped = 0;  // of recordings
  int64_t started = 0, succeeded = 0;
  double attempts_s = 0, waited_s = 0;
  std::map<std::string, int64_t> not_saved;
};

std::string NameOf(const EpisodeMeta& meta, GroupBy by) {
  switch (by) {
    case GroupBy::kTask:
      return meta.task;
    case GroupBy::kVariant:
      return meta.variant;
    case GroupBy::kInstruction:
      return meta.instruction;
    default:
      return meta.settings.value(EnumNames<GroupBy>::kNames.at(static_cast<size_t>(by)), "");
  }
}

void AddEpisode(const EpisodeSummary& episode, const EpisodeMeta& meta, double hz, Group* group) {
  ++group->episodes;
  group->successes += episode.success_known && episode.success;
  group->unknown += !episode.success_known;
  const auto steps = static_cast<double>(episode.length);
  if (hz > 0) group->recorded_s += steps / hz;
  if (!meta.quality.contains("tracked_share")) return;
  group->measured_steps += steps;
  group->untracked += (1 - meta.quality.value("tracked_share", 1.0)) * steps;
  group->clamped += std::max(meta.quality.value("linear_clamped", 0.0),
                             meta.quality.value("angular_clamped", 0.0));
}

void AddAttempt(const AttemptEnd& end, Group* group) {
  group->waited_s += end.waited_s;
  if (end.steps == 0) return;
  ++group->started;
  group->succeeded += end.success;
  group->attempts_s += end.seconds;
  if (!end.success) ++group->not_saved[end.cause];
}

Json Describe(const Group& group) {
  Json json{{"episodes", group.episodes}};
  if (group.unknown < group.episodes) json["successes"] = group.successes;
  if (group.recorded_s > 0) json["recorded_s"] = group.recorded_s;
  if (group.unread > 0) json["episodes_that_cannot_be_read"] = group.unread;
  if (group.measured_steps > 0) {
    json["untracked_share"] = group.untracked / group.measured_steps;
    json["clamped_share"] = group.clamped / group.measured_steps;
  }
  if (group.started == 0) return json;
  json["attempts"] = {
      {"started", group.started}, {"succeeded", group.succeeded}, {"not_saved", group.not_saved}};
  if (const double time_s = group.attempts_s + group.waited_s; time_s > 0) {
    json["per_hour"] = 3600 * static_cast<double>(group.succeeded) / time_s;
    json["idle_share"] = group.waited_s / time_s;
  }
  return json;
}

}  // namespace

Json DescribeBy(const EpisodeSource& reader, GroupBy by) {
  Require(by != GroupBy::kNothing, "groups are told apart by something");
  std::map<std::string, Group> groups;
  for (size_t i = 0; i < reader.episodes().size(); ++i) {
    const EpisodeSummary& episode = reader.episodes()[i];
    try {
      const EpisodeMeta meta = reader.ReadMeta(i);
      AddEpisode(episode, meta, reader.header().simulator.control_hz, &groups[NameOf(meta, by)]);
    } catch (const Error&) {
      ++groups[""].unread;  // verify says why
    }
  }
  if (by == GroupBy::kOperator || by == GroupBy::kStation) {
    for (const AttemptEnd& end : RecordedAttempts(reader)) {
      AddAttempt(end, &groups[by == GroupBy::kOperator ? end.operator_name : end.station]);
    }
  }
  Json json = Json::object();
  for (const auto& [name, group] : groups) json[name] = Describe(group);
  return json;
}

}  // namespace understudy
