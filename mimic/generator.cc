#include "mimic/generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>

#include "data/base/error.h"
#include "data/base/ordered_pool.h"
#include "data/base/shard.h"
#include "mimic/advice.h"
#include "mimic/balance.h"

namespace understudy {
namespace {

constexpr int64_t kRateAttempts = 50;  // before a low rate may end a run

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The attempts that may be started: [first, last).
struct Range {
  int64_t first = 0, last = 0;
};
Range AttemptRange(const RunOptions& options) {
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

AttemptRecord RecordOf(const Attempt& attempt, int64_t index) {
  AttemptRecord record;
  record.attempt = index;
  record.success = attempt.success();
  if (attempt.failure) {
    record.cause = CauseName(attempt.failure->cause);
    record.subtask = attempt.failure->subtask;
  }
  record.steps = static_cast<int32_t>(attempt.episode.length());
  record.X_WO_start = attempt.X_WO_start;
  record.sources = attempt.sources;
  return record;
}

// What balance leaves out of the dataset is marked in its record.
Balance BalanceOf(const RunOptions& options, const TaskSpec& task,
                  const std::vector<std::string>& objects) {
  if (options.balance > 0 && options.demos <= 0) {
    ThrowUsage("balance divides the wanted episodes over the reset space: give --demos");
  }
  return Balance(task.variants.at(options.variant), objects, options.balance_bins, options.balance,
                 options.demos);
}

// How the run came to its end, in words.
std::string StopReason(const MimicReport& report, const RunOptions& options, bool enough,
                       bool hopeless, bool all_made) {
  if (report.interrupted) return "interrupted: run again with resume to go on";
  if (enough) return fmt::format("{} successes reached", options.demos);
  if (report.complete) return fmt::format("{} attempts made", report.attempts);
  if (hopeless) {
    return fmt::format("the rate is below {} % with 95 % confidence after {} attempts (min_rate)",
                       100 * options.min_rate, report.attempts);
  }
  if (!all_made) {
    return fmt::format(
        "{} s are over (max_seconds): {} attempts made; where this cuts depends on "
        "the machine",
        options.max_seconds, report.attempts);
  }
  return fmt::format("{} of {} successes after {} attempts, the most allowed (max_attempts)",
                     report.successes - report.surplus, options.demos, report.attempts);
}

// Adds the steps of an attempt to those of its subtasks.
void CountSteps(const Attempt& attempt, MimicTimes* times) {
  for (size_t i = 0; i < attempt.sources.size() && i < times->subtask_attempts.size(); ++i) {
    ++times->subtask_attempts[i];
  }
  for (const Step& row : attempt.episode.steps) {
    ++times->subtask_steps[static_cast<size_t>(row.subtask)];
  }
}

struct Timed {
  Attempt attempt;
  double seconds = 0;
};

}  // namespace

MimicReport RunAttempts(const SourceSet& sources, const TaskSpec& task, const WorkerSeams& seams,
                        const RunOptions& options, const Json& settings, AttemptSink& sink,
                        Progress& progress) {
  const Range range = AttemptRange(options);
  const int64_t begin = range.first, last = range.last;
  const Clock::time_point start = Clock::now();

  // a simulator per worker, made on its thread; the first also answers for names and variants
  const int threads = ThreadCount(options.threads, last - begin);
  Workers workers(task, seams, threads);
  const std::vector<std::string> objects = workers[0].simulator->info().objects;
  if (!task.variants.contains(options.variant)) {
    ThrowUsage(UnknownName("variant", options.variant, workers[0].simulator->info().variants));
  }

  // what is there already
  MimicSummary summary(sources, task, options.variant, options.seed, objects,
                       options.coverage_bins);
  Balance balance = BalanceOf(options, task, objects);
  int64_t written = 0;
  sink.ReadBack([&](const AttemptRecord& record) {
    const int64_t wanted = begin + summary.attempts();
    if (record.attempt != wanted) {
      ThrowBadInput(
          fmt::format("the unfinished dataset's attempt {} is numbered {}: its table is "
                      "damaged, or it is another part of the run; start anew with overwrite",
                      wanted, record.attempt));
    }
    summary.Add(record);
    written += IsWritten(record, options.keep_failed);
    if (record.success) balance.Keep(record.X_WO_start);
  });
  if (sink.episodes() != written) {
    ThrowBadInput(
        fmt::format("the unfinished dataset holds {} episodes where its attempts make {}: "
                    "start anew with overwrite",
                    sink.episodes(), written));
  }

  // attempts, in order; the bound by successes cuts at the same place for any number of threads
  const int64_t first = begin + summary.attempts();
  const auto enough = [&] { return options.demos > 0 && summary.kept() >= options.demos; };
  // index order decides, so it cuts at the same place too; a bound by time does not
  const auto hopeless = [&] {
    return options.min_rate > 0 && summary.attempts() >= kRateAttempts &&
           WilsonInterval(summary.successes(), summary.attempts()).high < options.min_rate;
  };
  const auto late = [&] {
    return options.max_seconds > 0 && SecondsSince(start) > options.max_seconds;
  };
  const bool by_demos = options.demos > 0 && options.attempts <= 0;
  bool interrupted = InterruptRequested();
  MimicTimes times;
  times.threads = threads;
  times.subtask_attempts.resize(task.subtasks.size());
  times.subtask_steps.resize(task.subtasks.size());
  progress.Start(fmt::format("generate {} {}", task.name, options.variant),
                 by_demos ? options.demos : last - begin, by_demos ? "successes" : "attempts");
  if (first < last && !enough() && !interrupted && !hopeless()) {
    const auto work = [&](int place, int64_t index) {
      Worker& worker = workers[place];
      const Clock::time_point begin = Clock::now();
      Timed timed;
      timed.attempt = Generate(sources, task, worker, options.variant, options.generate,
                               AttemptKey(options.seed, index, options.variant), settings);
      timed.seconds = SecondsSince(begin);
      return timed;
    };
    const auto consume = [&](int64_t index, Timed&& timed) {
      AttemptRecord record = RecordOf(timed.attempt, index);
      if (record.success && !balance.Keep(record.X_WO_start)) record.cause = kSurplus;
      const bool kept = IsWritten(record, options.keep_failed);
      sink.Append(record, kept ? &timed.attempt.episode : nullptr);
      written += kept;
      summary.Add(record);
      times.busy_s += timed.seconds;
      times.steps += record.steps;
      CountSteps(timed.attempt, &times);
      ++times.attempts;
      progress.Advance(
          by_demos ? summary.kept() : summary.attempts(),
          fmt::format("success {:.0f} %", 100.0 * static_cast<double>(summary.successes()) /
                                              static_cast<double>(summary.attempts())));
      interrupted = InterruptRequested();
      return !interrupted && !enough() && !hopeless() && !late();
    };
    RunOrdered<Timed>(threads, first, last, work, consume);
  }

  MimicReport report = summary.Report();
  report.episodes = written;
  const bool all_made = report.attempts >= last - begin;
  report.complete = options.demos > 0
                        ? enough() || (options.attempts > 0 && report.attempts >= options.attempts)
                        : all_made;
  report.interrupted = interrupted && !report.complete && !all_made;
  report.stop_reason = StopReason(report, options, enough(), hopeless(), all_made);

  report.suggestions = Advise(report, task, options.generate);

  // simulators also ran attempts that a bound cut off: shares are theirs, scaled to what counts
  SimulatorTimes sum;
  double share = 1;
  for (const Worker& worker : workers.made()) {
    if (!worker.simulator) continue;
    const SimulatorTimes t = worker.simulator->times();
    sum.total_s += t.total_s;
    sum.physics_s += t.physics_s;
    sum.substeps += t.substeps;
    sum.steps += t.steps;
  }
  if (sum.steps > 0)
    share = std::min(1.0, static_cast<double>(times.steps) / static_cast<double>(sum.steps));
  times.step_s = share * sum.total_s;
  times.physics_s = share * sum.physics_s;
  times.substeps = static_cast<int64_t>(share * static_cast<double>(sum.substeps));
  times.wall_s = SecondsSince(start);
  report.times = times;
  progress.Finish(fmt::format("{} successes of {} attempts ({:.1f} %)", report.successes,
                              report.attempts, 100 * report.rate()));
  return report;
}

Json MimicPlan::ToJson() const {
  return {{"attempts", attempts}, {"rate", rate},       {"probe_attempts", probe_attempts},
          {"threads", threads},   {"seconds", seconds}, {"bytes", bytes}};
}

MimicPlan PlanAttempts(const SourceSet& sources, const TaskSpec& task, const WorkerSeams& seams,
                       const RunOptions& options) {
  constexpr int kProbeAttempts = 20;
  constexpr double kProbeSeconds = 3;
  const Range range = AttemptRange(options);
  const int64_t begin = range.first, last = range.last;
  Worker worker = MakeWorker(task, seams);
  const SimulatorInfo& info = worker.simulator->info();

  // a short run under keys of its own
  MimicPlan plan;
  int64_t rows = 0, successes = 0;
  const Clock::time_point start = Clock::now();
  while (plan.probe_attempts < kProbeAttempts &&
         (plan.probe_attempts == 0 || SecondsSince(start) < kProbeSeconds)) {
    const RngKey key =
        AttemptKey(options.seed, plan.probe_attempts, options.variant).WithStage("mimic plan");
    const Attempt attempt = Generate(sources, task, worker, options.variant, options.generate, key);
    ++plan.probe_attempts;
    successes += attempt.success();
    if (attempt.success() || options.keep_failed) rows += attempt.episode.length();
  }
  const double per_attempt = SecondsSince(start) / plan.probe_attempts;

  // bounded by successes: so many attempts as the probe's rate makes likely
  plan.rate = static_cast<double>(successes) / plan.probe_attempts;
  plan.attempts = last - begin;
  if (options.demos > 0) {
    const double needed = std::ceil(static_cast<double>(options.demos) / std::max(plan.rate, 1e-3));
    plan.attempts = std::min(plan.attempts, static_cast<int64_t>(needed));
  }
  plan.threads = ThreadCount(options.threads, last - begin);
  plan.seconds = per_attempt * static_cast<double>(plan.attempts) / plan.threads;

  // float64 columns of a row: states, poses (4x4 and short forms), joints, actions
  const double arms = static_cast<double>(info.arms.size());
  const double joints =
      static_cast<double>(info.joint_names.size() + info.gripper_joint_names.size());
  const double numbers = static_cast<double>(info.state_size + info.flat_state_size) +
                         23.0 * static_cast<double>(info.objects.size()) +
                         arms * (2 * 16 + 3 * 8 + 7 + 7 + 2 * joints);
  plan.bytes = 8 * numbers * static_cast<double>(rows) / plan.probe_attempts *
               static_cast<double>(plan.attempts);
  return plan;
}

}  // namespace understudy
