#include "mimic/run/run_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "core/base/error.h"
#include "core/base/names.h"
#include "core/base/shard.h"
#include "mimic/attempt/failure.h"

namespace understudy {
namespace {

constexpr int64_t kRateAttempts = 50;  // before a low rate may end a run

}  // namespace

AttemptRange RangeOf(const RunOptions& options) {
  if (options.attempts <= 0 && options.demos <= 0) {
    ThrowUsage("nothing bounds the run: give attempts or demos (the number of successes)");
  }
  const Shard shard = ParseShard(options.shard);
  if (!shard.whole() && (options.demos > 0 || options.attempts <= 0)) {
    ThrowUsage(
        "a part of a run (--shard) is bounded by --attempts, not by --demos: what the other parts "
        "reach is not known here; --plan says how many attempts so many demos take");
  }
  if (options.demos <= 0) return {shard.begin(options.attempts), shard.end(options.attempts)};
  const int64_t bound = options.max_attempts > 0 ? options.max_attempts : 100 + 20 * options.demos;
  return {0, options.attempts > 0 ? std::min(options.attempts, bound) : bound};
}

Balance BalanceOf(const RunOptions& options, const TaskSpec& task,
                  const std::vector<std::string>& objects) {
  return Balance(task.variants.at(options.variant), objects, options.balance_bins, options.balance,
                 options.demos);
}

RunState::RunState(const SourceSet& sources, const TaskSpec& task, const RunOptions& options,
                   const std::vector<std::string>& objects)
    : task_(task),
      options_(options),
      range_(RangeOf(options)),
      objects_(objects.size()),
      sources_(sources.demos().size()),
      most_steps_(MostSteps(options.generate, task, sources)),
      summary_(sources, task, options.variant, options.seed, objects, options.coverage_bins),
      balance_(BalanceOf(options, task, objects)) {}

bool RunState::enough() const { return options_.demos > 0 && summary_.kept() >= options_.demos; }

bool RunState::hopeless() const {
  return options_.min_rate > 0 && summary_.attempts() >= kRateAttempts &&
         WilsonInterval(summary_.successes(), summary_.attempts()).high < options_.min_rate;
}

bool RunState::Add(AttemptRecord* record) {
  if (record->success && !balance_.Keep(record->X_WO_start)) record->cause = kSurplus;
  const bool kept = IsWritten(*record, options_.keep_failed);
  summary_.Add(*record);
  written_ += kept;
  return kept;
}

// What no attempt of such a run says of itself, balance aside; empty: nothing.
std::string RunState::FaultOf(const AttemptRecord& record) const {
  const auto& causes = EnumNames<FailureCause>::kNames;
  const auto subtasks = static_cast<int32_t>(task_.subtasks.size());
  if (record.attempt != next()) return fmt::format("is numbered {}", record.attempt);
  if (record.steps < 0 || record.steps > most_steps_) {
    return fmt::format("has {} steps, attempts have {} at most", record.steps, most_steps_);
  }
  if (record.success ? !record.cause.empty() && record.cause != kSurplus
                     : std::find(causes.begin(), causes.end(), record.cause) == causes.end()) {
    return fmt::format("is a {} with cause '{}'", record.success ? "success" : "failure",
                       record.cause);
  }
  if (!record.success && (record.subtask < 0 || record.subtask >= subtasks)) {
    return fmt::format("failed in subtask {} of {}", record.subtask, subtasks);
  }
  if (record.sources.size() > task_.subtasks.size()) {
    return fmt::format("has {} sources for {} subtasks", record.sources.size(), subtasks);
  }
  const bool parallel = HasParallel(task_);
  for (const int32_t source : record.sources) {
    if (source >= (parallel ? -1 : 0) && source < static_cast<int32_t>(sources_)) continue;
    return fmt::format("was made from source {} of {}", source, sources_);
  }
  if (record.X_WO_start.size() != objects_) {
    return fmt::format("has {} start poses for {} objects", record.X_WO_start.size(), objects_);
  }
  const std::vector<int32_t>& steps = record.subtask_steps;
  // parallel ones share steps
  const auto fits = [&] {
    if (steps.size() != record.sources.size()) return false;
    if (*std::min_element(steps.begin(), steps.end()) < 0) return false;
    if (parallel) return *std::max_element(steps.begin(), steps.end()) <= record.steps;
    return std::accumulate(steps.begin(), steps.end(), int64_t{0}) == record.steps;
  };
  if (!steps.empty() && !fits()) {
    return fmt::format("has {} steps, in its subtasks {}", record.steps, fmt::join(steps, " + "));
  }
  return "";
}

void RunState::ReadBack(AttemptSink& sink) {
  int64_t beyond = 0;  // attempts behind the end of this run
  const auto refuse = [&](const std::string& what) {
    ThrowBadInput(
        fmt::format("{}: attempt {} {}: its table is damaged, or it is another part of the run; "
                    "remove it, or say --no-resume, to start anew",
                    sink.name(), next(), what));
  };
  sink.ReadBack([&](const AttemptRecord& record) {
    if (over()) {
      ++beyond;
      return;
    }
    if (const std::string fault = FaultOf(record); !fault.empty()) refuse(fault);
    // what balance kept then it keeps now
    AttemptRecord again = record;
    if (again.success) again.cause.clear();
    const bool room = !again.success || balance_.HasRoom(again.X_WO_start);
    if (room == (record.cause == kSurplus)) refuse(room ? "is called surplus" : "is not surplus");
    Add(&again);
  });
  if (beyond > 0) {
    ThrowBadInput(fmt::format(
        "{}: holds {} attempts, and a run with these bounds ends after {} ({}): ask for as much as "
        "before, or more, to go on with it; remove it, or say --no-resume, to start anew",
        sink.name(), summary_.attempts() + beyond, summary_.attempts(), Report(false).stop_reason));
  }
  if (sink.episodes() != written_) {
    ThrowBadInput(
        fmt::format("{}: holds {} episodes where its attempts make {}: it is damaged; remove it, "
                    "or say --no-resume, to start anew",
                    sink.name(), sink.episodes(), written_));
  }
}

// How the run came to its end, in words.
std::string RunState::StopReason(const MimicReport& report) const {
  if (report.interrupted) return "interrupted: run again with resume to go on";
  if (enough()) return fmt::format("{} successes reached", options_.demos);
  if (report.complete) return fmt::format("{} attempts made", report.attempts);
  if (hopeless()) {
    return fmt::format("the rate is below {} % with 95 % confidence after {} attempts (min_rate)",
                       100 * options_.min_rate, report.attempts);
  }
  if (!all_made()) {
    return fmt::format(
        "{} s are over (max_seconds): {} attempts made; where this cuts depends on "
        "the machine",
        options_.max_seconds, report.attempts);
  }
  return fmt::format("{} of {} successes after {} attempts, the most allowed (max_attempts)",
                     report.successes - report.surplus, options_.demos, report.attempts);
}

MimicReport RunState::Report(bool interrupted) const {
  MimicReport report = summary_.Report();
  report.episodes = written_;
  report.complete = options_.demos > 0 ? enough() || (options_.attempts > 0 &&
                                                      report.attempts >= options_.attempts)
                                       : all_made();
  report.interrupted = interrupted;
  report.stop_reason = StopReason(report);
  return report;
}

}  // namespace understudy
