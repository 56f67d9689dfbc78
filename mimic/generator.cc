#include "mimic/generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>

#include "data/base/error.h"
#include "data/base/ordered_pool.h"

namespace understudy {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Exclusive end of the attempts that may be started.
int64_t LastAttempt(const RunOptions& options) {
  if (options.attempts <= 0 && options.demos <= 0) {
    ThrowUsage("nothing bounds the run: give attempts or demos (the number of successes)");
  }
  if (options.demos <= 0) return options.attempts;
  const int64_t bound = options.max_attempts > 0 ? options.max_attempts : 100 + 20 * options.demos;
  return options.attempts > 0 ? std::min(options.attempts, bound) : bound;
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

// An attempt without rows (out of reach at once) has nothing to write.
bool IsWritten(const AttemptRecord& record, bool keep_failed) {
  return record.success || (keep_failed && record.steps > 0);
}

struct Timed {
  Attempt attempt;
  double seconds = 0;
};

}  // namespace

MimicReport RunAttempts(const SourceSet& sources, const TaskSpec& task,
                        const SimulatorFactory& factory, const RunOptions& options,
                        const Json& settings, AttemptSink& sink, Progress& progress) {
  const int64_t last = LastAttempt(options);
  const Clock::time_point start = Clock::now();

  // a simulator per worker, made on its thread; the first also answers for names and variants
  const int threads = ThreadCount(options.threads, last);
  std::vector<std::unique_ptr<Simulator>> simulators(threads);
  std::vector<SimulatorTimes> times_at_start(threads);
  simulators[0] = factory();
  times_at_start[0] = simulators[0]->times();
  const std::vector<std::string> objects = simulators[0]->info().objects;
  if (!task.variants.contains(options.variant)) {
    ThrowUsage(UnknownName("variant", options.variant, simulators[0]->info().variants));
  }

  // what is there already
  std::vector<AttemptRecord> records = sink.attempts();
  int64_t successes = 0, written = 0;
  for (size_t i = 0; i < records.size(); ++i) {
    if (records[i].attempt != static_cast<int64_t>(i)) {
      ThrowBadInput(
          fmt::format("the unfinished dataset's attempt {} is numbered {}: its table is "
                      "damaged; start anew with overwrite",
                      i, records[i].attempt));
    }
    successes += records[i].success;
    written += IsWritten(records[i], options.keep_failed);
  }
  if (sink.episodes() != written) {
    ThrowBadInput(
        fmt::format("the unfinished dataset holds {} episodes where its attempts make {}: "
                    "start anew with overwrite",
                    sink.episodes(), written));
  }

  // attempts, in order; the bound by successes cuts at the same place for any number of threads
  const int64_t first = static_cast<int64_t>(records.size());
  const auto enough = [&] { return options.demos > 0 && successes >= options.demos; };
  const bool by_demos = options.demos > 0 && options.attempts <= 0;
  bool interrupted = InterruptRequested();
  MimicTimes times;
  times.threads = threads;
  progress.Start(fmt::format("generate {} {}", task.name, options.variant),
                 by_demos ? options.demos : last, by_demos ? "successes" : "attempts");
  if (first < last && !enough() && !interrupted) {
    const auto work = [&](int worker, int64_t index) {
      if (!simulators[worker]) {
        simulators[worker] = factory();
        times_at_start[worker] = simulators[worker]->times();
      }
      const Clock::time_point begin = Clock::now();
      Timed timed;
      timed.attempt =
          Generate(sources, task, *simulators[worker], options.variant, options.generate,
                   AttemptKey(options.seed, index, options.variant), settings);
      timed.seconds = SecondsSince(begin);
      return timed;
    };
    const auto consume = [&](int64_t index, Timed&& timed) {
      const AttemptRecord record = RecordOf(timed.attempt, index);
      const bool kept = IsWritten(record, options.keep_failed);
      sink.Append(record, kept ? &timed.attempt.episode : nullptr);
      written += kept;
      records.push_back(record);
      successes += record.success;
      times.busy_s += timed.seconds;
      ++times.attempts;
      progress.Advance(by_demos ? successes : index + 1,
                       fmt::format("success {:.0f} %", 100.0 * static_cast<double>(successes) /
                                                           static_cast<double>(records.size())));
      interrupted = InterruptRequested();
      return !interrupted && !enough();
    };
    RunOrdered<Timed>(threads, first, last, work, consume);
  }

  MimicReport report = Summarise(records, sources, task, options.variant, options.seed, objects,
                                 options.coverage_bins);
  report.episodes = written;
  report.complete = options.demos > 0
                        ? enough() || (options.attempts > 0 && report.attempts >= options.attempts)
                        : report.attempts >= last;
  report.interrupted = interrupted && !report.complete && report.attempts < last;
  report.stop_reason = report.interrupted ? "interrupted: run again with resume to go on"
                       : enough()         ? fmt::format("{} successes reached", options.demos)
                       : report.complete  ? fmt::format("{} attempts made", report.attempts)
                                          : fmt::format(
                                                "{} of {} successes after {} attempts, the most "
                                                 "allowed (max_attempts)",
                                                successes, options.demos, report.attempts);

  // simulators also ran attempts that a bound cut off: shares are theirs, scaled to what counts
  SimulatorTimes sum;
  double share = 1;
  for (int worker = 0; worker < threads; ++worker) {
    if (!simulators[worker]) continue;
    const SimulatorTimes t = simulators[worker]->times();
    sum.total_s += t.total_s - times_at_start[worker].total_s;
    sum.physics_s += t.physics_s - times_at_start[worker].physics_s;
    sum.substeps += t.substeps - times_at_start[worker].substeps;
    sum.steps += t.steps - times_at_start[worker].steps;
  }
  for (size_t i = static_cast<size_t>(first); i < records.size(); ++i)
    times.steps += records[i].steps;
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

MimicPlan PlanAttempts(const SourceSet& sources, const TaskSpec& task,
                       const SimulatorFactory& factory, const RunOptions& options) {
  constexpr int kProbeAttempts = 20;
  constexpr double kProbeSeconds = 3;
  const int64_t last = LastAttempt(options);
  const std::unique_ptr<Simulator> simulator = factory();
  const SimulatorInfo& info = simulator->info();

  // a short run under keys of its own
  MimicPlan plan;
  int64_t rows = 0, successes = 0;
  const Clock::time_point start = Clock::now();
  while (plan.probe_attempts < kProbeAttempts &&
         (plan.probe_attempts == 0 || SecondsSince(start) < kProbeSeconds)) {
    const RngKey key =
        AttemptKey(options.seed, plan.probe_attempts, options.variant).WithStage("mimic plan");
    const Attempt attempt =
        Generate(sources, task, *simulator, options.variant, options.generate, key);
    ++plan.probe_attempts;
    successes += attempt.success();
    if (attempt.success() || options.keep_failed) rows += attempt.episode.length();
  }
  const double per_attempt = SecondsSince(start) / plan.probe_attempts;

  // bounded by successes: so many attempts as the probe's rate makes likely
  plan.rate = static_cast<double>(successes) / plan.probe_attempts;
  plan.attempts = last;
  if (options.demos > 0) {
    const double needed = std::ceil(static_cast<double>(options.demos) / std::max(plan.rate, 1e-3));
    plan.attempts = std::min(last, static_cast<int64_t>(needed));
  }
  plan.threads = ThreadCount(options.threads, last);
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
