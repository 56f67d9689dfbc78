#include "mimic/tune/tune.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "core/base/error.h"
#include "core/base/ordered_pool.h"
#include "mimic/run/advice.h"
#include "mimic/run/generator.h"

namespace understudy {
namespace {

constexpr int kHopeless = 4;  // a change that loses so many more than it gains is given up

// What became of one start.
struct Outcome {
  bool success = false;
  FailureCause cause = FailureCause::kMisplaced;
  size_t subtask = 0;
  std::vector<std::string> sources;  // names, a time for each segment
};

// Runs attempts of settings on the same simulators.
class Bench {
 public:
  Bench(const TaskSpec& task, const WorkerSeams& seams, const GenerateOptions& generate,
        const TuneOptions& options)
      : generate_(generate),
        options_(options),
        workers_(task, seams, ThreadCount(options.threads)) {}

  // Starts [0, count) of `phase`, or the first ones of them where `go_on` says no.
  std::vector<Outcome> Run(const SourceSet& sources, const TaskSpec& task, const std::string& phase,
                           int count,
                           const std::function<bool(const std::vector<Outcome>&)>& go_on = {}) {
    std::vector<Outcome> outcomes;
    const auto work = [&](int place, int64_t index) {
      const RngKey key =
          AttemptKey(options_.seed, index, options_.variant).WithStage("mimic tune " + phase);
      const Attempt attempt =
          Generate(sources, task, workers_[place], options_.variant, generate_, key);
      Outcome outcome{attempt.success()};
      if (attempt.failure) {
        outcome.cause = attempt.failure->cause;
        outcome.subtask = static_cast<size_t>(attempt.failure->subtask);
      }
      for (const int32_t source : attempt.sources) {
        if (source >= 0) outcome.sources.push_back(sources.demos()[size_t(source)].name);
      }
      return outcome;
    };
    RunOrdered<Outcome>(workers_.count(), 0, count, work, [&](int64_t, Outcome&& outcome) {
      outcomes.push_back(outcome);
      return !InterruptRequested() && (!go_on || go_on(outcomes));
    });
    return outcomes;
  }

 private:
  const GenerateOptions& generate_;
  const TuneOptions& options_;
  Workers workers_;  // of the task as it was: no change asks for a planner that it does not
};

int64_t Successes(const std::vector<Outcome>& outcomes) {
  return std::count_if(outcomes.begin(), outcomes.end(),
                       [](const Outcome& outcome) { return outcome.success; });
}

// Starts that `now` wins over `then` and those that it loses, as far as both go.
std::pair<int, int> GainedAndLost(const std::vector<Outcome>& now,
                                  const std::vector<Outcome>& then) {
  int gained = 0, lost = 0;
  for (size_t i = 0; i < std::min(now.size(), then.size()); ++i) {
    gained += now[i].success && !then[i].success;
    lost += !now[i].success && then[i].success;
  }
  return {gained, lost};
}

// Sources that the search may do without, the worst first.
std::vector<TuneChange> Omissions(const SourceSet& sources, const TaskSpec& task,
                                  const std::vector<Outcome>& outcomes) {
  constexpr int64_t kEnough = 6;  // segments: each omission is tried before it is kept
  std::vector<TuneChange> omissions;
  if (sources.demos().size() < 2) return omissions;
  std::vector<SourceUse> uses;
  for (const SourceDemo& demo : sources.demos()) {
    SourceUse& use = uses.emplace_back();
    use.name = demo.name;
    for (const Outcome& outcome : outcomes) {
      const int64_t taken = std::count(outcome.sources.begin(), outcome.sources.end(), demo.name);
      use.segments += taken;
      use.in_successes += outcome.success ? taken : 0;
    }
  }
  for (const SourceUse& use : SpoilingSources(uses, kEnough)) {
    omissions.push_back({fmt::format("leave_out: {}", use.name), task, use.name});
  }
  return omissions;
}

// Changes worth trying, those that answer the most failures first.
std::vector<TuneChange> Candidates(const SourceSet& sources, const TaskSpec& task,
                                   const std::vector<Outcome>& outcomes) {
  std::map<std::pair<size_t, FailureCause>, int64_t> counts;
  for (const Outcome& outcome : outcomes) {
    if (!outcome.success) ++counts[{outcome.subtask, outcome.cause}];
  }
  std::vector<std::pair<int64_t, std::pair<size_t, FailureCause>>> order;
  for (const auto& [place, count] : counts) order.emplace_back(count, place);
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  // one change per cause in turn, so that a small budget meets them all
  std::vector<std::vector<TuneChange>> by_cause{Omissions(sources, task, outcomes)};
  for (const auto& [count, place] : order) {
    by_cause.push_back(ChangesFor(task, place.second, place.first));
  }
  std::vector<TuneChange> candidates;
  for (size_t i = 0;; ++i) {
    const size_t before = candidates.size();
    for (std::vector<TuneChange>& changes : by_cause) {
      if (i < changes.size()) candidates.push_back(std::move(changes[i]));
    }
    if (candidates.size() == before) return candidates;
  }
}

Json RateJson(const TuneRate& rate) {
  return {{"attempts", rate.attempts},
          {"successes", rate.successes},
          {"rate", rate.rate()},
          {"interval", {rate.interval().low, rate.interval().high}}};
}

}  // namespace

Json TuneReport::ToJson() const {
  Json json{{"task", task},
            {"variant", variant},
            {"better", better},
            {"leave_out", leave_out},
            {"changes", changes},
            {"before", RateJson(before)},
            {"after", RateJson(after)},
            {"interrupted", interrupted}};
  json["trials"] = Json::array();
  for (const TuneTrial& trial : trials) {
    json["trials"].push_back({{"change", trial.change},
                              {"gained", trial.gained},
                              {"lost", trial.lost},
                              {"kept", trial.kept}});
  }
  json["subtasks"] = SubtasksFile(subtasks)["subtasks"];
  return json;
}

Json SubtasksFile(const std::vector<Subtask>& subtasks, const std::vector<std::string>& leave_out) {
  Json file = Json::object();
  if (!leave_out.empty()) file["leave_out"] = leave_out;
  file["subtasks"] = Json::array();
  for (const Subtask& subtask : subtasks) {
    // what ToJson does not write (Subtask::kUnwritten) would leave the task its own
    Json settings = Json::object();
    for (const FieldInfo& field : ListFields(subtask)) {
      SetByPath(settings, field.path, field.default_value);
    }
    file["subtasks"].push_back(std::move(settings));
  }
  return file;
}

std::vector<std::string> ReadLeaveOut(const std::filesystem::path& file) {
  if (file.empty()) return {};
  const Json json = LoadYaml(file);
  const auto names = json.is_object() ? json.find("leave_out") : json.end();
  if (names == json.end()) return {};
  const auto is_text = [](const Json& name) { return name.is_string(); };
  if (!names->is_array() || !std::all_of(names->begin(), names->end(), is_text)) {
    ThrowBadInput(file.string() + ": leave_out: must be a list of names of sources");
  }
  return names->get<std::vector<std::string>>();
}

TuneReport Tune(const SourceSet& sources, const TaskSpec& task, const WorkerSeams& seams,
                const GenerateOptions& generate, const TuneOptions& options, Progress& progress) {
  VariantOf(task, options.variant);
  Bench bench(task, seams, generate, options);
  TuneReport report;
  report.task = task.name;
  report.variant = options.variant;

  // one change at a time, from the causes of the best settings' failures
  TaskSpec best = task;
  SourceSet best_sources = sources;
  // as mimic reads them for those settings
  const auto sources_for = [&](const TuneChange& change, const std::vector<std::string>& without) {
    SourceSet rest = sources.WithOffsetsOf(change.task);
    for (const std::string& name : without) rest = rest.Without(name);
    return change.leave_out.empty() ? rest : rest.Without(change.leave_out);
  };
  std::vector<std::string> left_out;
  progress.Start(fmt::format("tune {} {}", task.name, options.variant), options.trials, "settings");
  std::vector<Outcome> best_outcomes = bench.Run(best_sources, best, "search", options.attempts);
  const auto setting = [&](const TuneChange& change) {
    return ToJson(change.task.subtasks).dump() + fmt::format("{}", fmt::join(left_out, ",")) +
           change.leave_out;
  };
  std::set<std::string> tried{setting({"", best})};
  bool found = true;
  while (found && !InterruptRequested()) {
    found = false;
    for (TuneChange& candidate : Candidates(best_sources, best, best_outcomes)) {
      if (static_cast<int>(report.trials.size()) >= options.trials || InterruptRequested()) break;
      if (!tried.insert(setting(candidate)).second) continue;
      SourceSet candidate_sources = sources_for(candidate, left_out);
      if (candidate_sources.demos().empty()) continue;
      const std::vector<Outcome> outcomes = bench.Run(
          candidate_sources, candidate.task, "search", options.attempts, [&](const auto& so_far) {
            const auto [gained, lost] = GainedAndLost(so_far, best_outcomes);
            return lost - gained < kHopeless;
          });
      const auto [gained, lost] = GainedAndLost(outcomes, best_outcomes);
      report.trials.push_back({candidate.what, gained, lost, gained > lost});
      progress.Advance(static_cast<int64_t>(report.trials.size()),
                       fmt::format("success {} of {}", Successes(best_outcomes), options.attempts));
      if (gained <= lost) continue;
      report.changes.push_back(candidate.what);
      best = std::move(candidate.task);
      best_sources = std::move(candidate_sources);
      if (!candidate.leave_out.empty()) left_out.push_back(candidate.leave_out);
      best_outcomes = outcomes;
      found = true;
      break;  // its failures are others
    }
  }

  // the verdict, on starts that no choice was made by
  const std::vector<Outcome> before = bench.Run(sources, task, "check", options.check_attempts);
  const std::vector<Outcome> after =
      report.changes.empty() ? before
                             : bench.Run(best_sources, best, "check", options.check_attempts);
  const auto [gained, lost] = GainedAndLost(after, before);
  report.before = {static_cast<int64_t>(before.size()), Successes(before)};
  report.after = {static_cast<int64_t>(after.size()), Successes(after)};
  // of the two sides of the test only this one speaks for it
  report.better = gained > lost && McNemarExact(gained, lost) / 2 <= 0.05;
  report.subtasks = gained > lost ? best.subtasks : task.subtasks;
  if (gained > lost) report.leave_out = left_out;
  report.interrupted = InterruptRequested();
  progress.Finish(fmt::format("{:.1f} % before, {:.1f} % after", 100 * report.before.rate(),
                              100 * report.after.rate()));
  return report;
}

}  // namespace understudy
