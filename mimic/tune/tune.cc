#include "mimic/tune/tune.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "core/base/error.h"
#include "core/base/ordered_pool.h"
#include "mimic/run/generator.h"

namespace understudy {
namespace {

constexpr int kHopeless = 4;  // a change that loses so many more than it gains is given up

// What became of one start.
struct Outcome {
  bool success = false;
  FailureCause cause = FailureCause::kMisplaced;
  size_t subtask = 0;
};

// Runs attempts of settings on the same simulators.
class Bench {
 public:
  Bench(const SourceSet& sources, const TaskSpec& task, const WorkerSeams& seams,
        const GenerateOptions& generate, const TuneOptions& options)
      : sources_(sources),
        generate_(generate),
        options_(options),
        workers_(task, seams, ThreadCount(options.threads)) {}

  // Starts [0, count) of `phase`, or the first ones of them where `go_on` says no.
  std::vector<Outcome> Run(const TaskSpec& task, const std::string& phase, int count,
                           const std::function<bool(const std::vector<Outcome>&)>& go_on = {}) {
    std::vector<Outcome> outcomes;
    const auto work = [&](int place, int64_t index) {
      const RngKey key =
          AttemptKey(options_.seed, index, options_.variant).WithStage("mimic tune " + phase);
      const Attempt attempt =
          Generate(sources_, task, workers_[place], options_.variant, generate_, key);
      Outcome outcome{attempt.success()};
      if (attempt.failure) {
        outcome.cause = attempt.failure->cause;
        outcome.subtask = static_cast<size_t>(attempt.failure->subtask);
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
  const SourceSet& sources_;
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

// Changes worth trying, those that answer the most failures first.
std::vector<TuneChange> Candidates(const TaskSpec& task, const std::vector<Outcome>& outcomes) {
  std::map<std::pair<size_t, FailureCause>, int64_t> counts;
  for (const Outcome& outcome : outcomes) {
    if (!outcome.success) ++counts[{outcome.subtask, outcome.cause}];
  }
  std::vector<std::pair<int64_t, std::pair<size_t, FailureCause>>> order;
  for (const auto& [place, count] : counts) order.emplace_back(count, place);
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  // one change per cause in turn, so that a small budget meets them all
  std::vector<std::vector<TuneChange>> by_cause;
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

Json SubtasksFile(const std::vector<Subtask>& subtasks) {
  Json file{{"subtasks", Json::array()}};
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

TuneReport Tune(const SourceSet& sources, const TaskSpec& task, const WorkerSeams& seams,
                const GenerateOptions& generate, const TuneOptions& options, Progress& progress) {
  VariantOf(task, options.variant);
  Bench bench(sources, task, seams, generate, options);
  TuneReport report;
  report.task = task.name;
  report.variant = options.variant;

  // one change at a time, from the causes of the best settings' failures
  TaskSpec best = task;
  progress.Start(fmt::format("tune {} {}", task.name, options.variant), options.trials, "settings");
  std::vector<Outcome> best_outcomes = bench.Run(best, "search", options.attempts);
  std::set<std::string> tried{ToJson(best.subtasks).dump()};
  bool found = true;
  while (found && !InterruptRequested()) {
    found = false;
    for (TuneChange& candidate : Candidates(best, best_outcomes)) {
      if (static_cast<int>(report.trials.size()) >= options.trials || InterruptRequested()) break;
      if (!tried.insert(ToJson(candidate.task.subtasks).dump()).second) continue;
      const std::vector<Outcome> outcomes =
          bench.Run(candidate.task, "search", options.attempts, [&](const auto& so_far) {
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
      best_outcomes = outcomes;
      found = true;
      break;  // its failures are others
    }
  }

  // the verdict, on starts that no choice was made by
  const std::vector<Outcome> before = bench.Run(task, "check", options.check_attempts);
  const std::vector<Outcome> after =
      report.changes.empty() ? before : bench.Run(best, "check", options.check_attempts);
  const auto [gained, lost] = GainedAndLost(after, before);
  report.before = {static_cast<int64_t>(before.size()), Successes(before)};
  report.after = {static_cast<int64_t>(after.size()), Successes(after)};
  // of the two sides of the test only this one speaks for it
  report.better = gained > lost && McNemarExact(gained, lost) / 2 <= 0.05;
  report.subtasks = gained > lost ? best.subtasks : task.subtasks;
  report.interrupted = InterruptRequested();
  progress.Finish(fmt::format("{:.1f} % before, {:.1f} % after", 100 * report.before.rate(),
                              100 * report.after.rate()));
  return report;
}

}  // namespace understudy
