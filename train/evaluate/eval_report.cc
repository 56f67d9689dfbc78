#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/base/statistics.h"
#include "core/base/version.h"
#include "train/evaluate/evaluate.h"

namespace understudy {

std::array<int, kRolloutEvents> EpisodesWith(const std::vector<EvalEpisode>& episodes) {
  std::array<int, kRolloutEvents> counts{};
  for (const EvalEpisode& episode : episodes) {
    for (size_t i = 0; i < kRolloutEvents; ++i) counts[i] += episode.events[i] > 0;
  }
  return counts;
}

EvalReport ReadEvalReport(const Json& json, const std::string& name) {
  EvalReport report;
  try {
    report.task = json.at("task").get<std::string>();
    report.varied = json.at("varied").get<bool>();
    report.suite = json.value("suite", "");
    report.options = FromJson<EvalOptions>(json.at("options"), name + ": options");
    for (const Json& row : json.at("rows")) {
      EvalEpisode episode;
      episode.index = row.at("index").get<int64_t>();
      episode.success = row.at("success").get<bool>();
      report.successes += episode.success;
      report.episodes.push_back(episode);
    }
  } catch (const Json::exception& error) {
    ThrowBadInput(fmt::format("{}: is no report of `understudy evaluate`: {}", name, error.what()));
  }
  return report;
}

namespace {

Json NamedCounts(const std::array<int, kRolloutEvents>& counts) {
  Json named = Json::object();
  for (size_t i = 0; i < kRolloutEvents; ++i) {
    named[EnumNames<RolloutEvent>::kNames[i]] = counts[i];
  }
  return named;
}

// Steps in which commands were guarded, by cause.
Json GuardedOf(const Json& rows) {
  Json sums = Json::object();
  for (const char* cause : EnumNames<SafetyStop>::kNames) {
    int64_t steps = 0;
    for (const Json& row : rows) steps += row["guarded"][cause].get<int64_t>();
    sums[cause] = steps;
  }
  return sums;
}

// Episodes in which a person acted, the rows of these, and how many of them were solved.
Json TakeoverOf(const std::vector<EvalEpisode>& episodes) {
  int64_t corrected = 0, rows = 0, solved = 0;
  for (const EvalEpisode& episode : episodes) {
    corrected += episode.corrected > 0;
    rows += episode.corrected;
    solved += episode.corrected > 0 && episode.solved;
  }
  return {{"episodes", corrected}, {"rows", rows}, {"solved", solved}};
}

}  // namespace

Json EvalReport::ToJson() const {
  Json rows = Json::array();
  double jerk = 0;
  for (const EvalEpisode& episode : episodes) {
    jerk += episode.jerk_rms;
    rows.push_back(Json{{"index", episode.index},
                        {"success", episode.success},
                        {"cause", episode.cause},
                        {"steps", episode.steps},
                        {"chunks", episode.chunks},
                        {"collisions", episode.collisions},
                        {"joint_limits", episode.joint_limits},
                        {"clipped", episode.clipped},
                        {"events", NamedCounts(episode.events)},
                        {"jerk_rms", episode.jerk_rms},
                        {"signals", episode.signals},
                        {"seconds", episode.seconds}});
    if (takeover) {
      rows.back()["corrected"] = episode.corrected;
      rows.back()["solved"] = episode.solved;
    }
    if (!options.safety) continue;
    Json guarded = Json::object();
    for (size_t i = 0; i < kSafetyStops; ++i) {
      guarded[EnumNames<SafetyStop>::kNames[i]] = episode.guarded[i];
    }
    rows.back()["guarded"] = std::move(guarded);
  }
  Json progress = Json::array();
  for (const auto& [signal, count] : reached) {
    progress.push_back({{"signal", signal}, {"episodes", count}});
  }
  Json failures = Json::object();
  for (const auto& [cause, count] : causes) failures[cause] = count;
  const double n = static_cast<double>(std::max<size_t>(1, episodes.size()));
  Json json{{"program", ProgramVersion()},
            {"policy", {{"name", policy.name}, {"hash", policy.hash}}},
            {"task", task},
            {"robot", robot},
            {"renderer", renderer},
            {"options", understudy::ToJson(options)},
            {"varied", varied},
            {"interrupted", interrupted},
            {"unknown_instruction", unknown_instruction},
            {"episodes", episodes.size()},
            {"successes", successes},
            {"rate", static_cast<double>(successes) / n},
            {"interval", {interval.low, interval.high}},
            {"reached", progress},
            {"causes", failures},
            {"events", NamedCounts(EpisodesWith(episodes))},
            {"jerk_rms", jerk / n},
            {"warnings", warnings},
            {"timing",
             {{"chunks", chunks},
              {"latency_p50_ms", latency_p50_ms},
              {"latency_p99_ms", latency_p99_ms},
              {"act_s", act_s},
              {"render_s", render_s},
              {"step_s", step_s},
              {"wall_s", wall_s},
              {"steps_per_s", steps_per_s}}},
            {"rows", rows}};
  if (!suite.empty()) json["suite"] = suite;
  if (takeover) json["takeover"] = TakeoverOf(episodes);
  if (options.safety) json["guarded"] = GuardedOf(rows);
  return json;
}

Json ComparePaired(const EvalReport& a, const EvalReport& b) {
  std::vector<std::string> problems;
  const auto differ = [&](const char* what, const auto& left, const auto& right) {
    if (!(left == right)) problems.push_back(fmt::format("{} {} and {}", what, left, right));
  };
  differ("tasks", a.task, b.task);
  const auto suite_of = [](const EvalReport& report) {
    return report.suite.empty() ? std::string("none") : report.suite;
  };
  differ("suites", suite_of(a), suite_of(b));
  differ("seeds", a.options.seed, b.options.seed);
  differ("variants", a.options.variant, b.options.variant);
  differ("horizons", a.options.horizon, b.options.horizon);
  differ("varied looks", a.varied, b.varied);
  differ("renderings", ToJson(a.options.render).dump(), ToJson(b.options.render).dump());
  if (!problems.empty()) {
    ThrowBadInput(
        fmt::format("reports cannot be compared in pairs: {}; evaluate both on the same "
                    "task, variant, seed and looks",
                    fmt::join(problems, "; ")));
  }
  // episodes are in order of their index: the shorter run decides
  int64_t both = 0, only_a = 0, only_b = 0, neither = 0;
  const size_t pairs = std::min(a.episodes.size(), b.episodes.size());
  for (size_t i = 0; i < pairs; ++i) {
    const bool in_a = a.episodes[i].success, in_b = b.episodes[i].success;
    ++(in_a ? (in_b ? both : only_a) : (in_b ? only_b : neither));
  }
  const double n = static_cast<double>(std::max<size_t>(1, pairs));
  return Json{{"pairs", pairs},
              {"both", both},
              {"only_a", only_a},
              {"only_b", only_b},
              {"neither", neither},
              {"difference", static_cast<double>(only_a - only_b) / n},
              {"p_value", McNemarExact(only_a, only_b)}};
}

}  // namespace understudy
