#include "mimic/run/generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/ordered_pool.h"
#include "core/episode/subtasks_of.h"
#include "mimic/run/advice.h"
#include "mimic/run/run_state.h"
#include "mimic/run/weigh.h"

namespace understudy {
namespace {

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
  record.subtask_steps.resize(attempt.sources.size());
  for (const Step& row : attempt.episode.steps) {
    VisitSubtasks(row, [&](int32_t subtask, int32_t) {
      const auto i = static_cast<size_t>(subtask);
      if (i < attempt.sources.size() && attempt.sources[i] >= 0) ++record.subtask_steps[i];
    });
  }
  return record;
}

struct Timed {
  Attempt attempt;
  double seconds = 0;
};

// Simulators also ran attempts that a bound cut off: shares are theirs, scaled to what counts.
void AddSimulatorTimes(const Workers& workers, MimicTimes* times) {
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
    share = std::min(1.0, static_cast<double>(times->steps) / static_cast<double>(sum.steps));
  times->step_s = share * sum.total_s;
  times->physics_s = share * sum.physics_s;
  times->substeps = static_cast<int64_t>(share * static_cast<double>(sum.substeps));
}

}  // namespace

void CheckRun(const RunOptions& options, const TaskSpec& task) {
  RangeOf(options);
  VariantOf(task, options.variant);
  if (options.balance > 0 && options.demos <= 0) {
    ThrowUsage("balance divides the wanted episodes over the reset space: give --demos");
  }
  if (options.balance > 0 && options.balance < 1) {
    ThrowUsage(
        fmt::format("balance = {}: parts of the reset space that hold less than their even share "
                    "do not hold {} demonstrations together: 1 or more (1.2 leaves some room), or "
                    "0 to keep all",
                    options.balance, options.demos));
  }
}

MimicReport RunAttempts(SourceSet sources, const TaskSpec& task, const WorkerSeams& seams,
                        const RunOptions& options, const Json& settings, AttemptSink& sink,
                        Progress& progress) {
  CheckRun(options, task);
  const double start = MonotonicSeconds();

  // a simulator per worker, made on its thread; the first also answers for names
  const int threads = ThreadCount(options.threads, RangeOf(options).count());
  Workers workers(task, seams, threads);
  RunState state(sources, task, options, workers[0].simulator->info().objects);
  state.ReadBack(sink);

  // what refuses the run has done so by now
  double weighing_s = 0;
  bool weighed = true;
  if (options.weigh_attempts > 0) {
    std::optional<SourceWeights> weights =
        WeighSources(sources, task, seams, options.variant, options.seed, options.generate,
                     options.weigh_attempts, options.threads, progress);
    weighed = weights.has_value();
    if (weighed) sources = std::move(sources).Weighted(std::move(*weights));
    weighing_s = MonotonicSeconds() - start;
  }

  // attempts, in order; bounds cut at the same place for any number of threads, but that by time
  const auto late = [&] {
    return options.max_seconds > 0 && MonotonicSeconds() - start > options.max_seconds;
  };
  const bool by_demos = options.demos > 0 && options.attempts <= 0;
  bool interrupted = !weighed || InterruptRequested();
  MimicTimes times;
  times.threads = threads;
  progress.Start(fmt::format("generate {} {}", task.name, options.variant),
                 by_demos ? options.demos : state.range().count(),
                 by_demos ? "successes" : "attempts");
  if (!state.over() && !interrupted) {
    const auto work = [&](int place, int64_t index) {
      Worker& worker = workers[place];
      const double begin = MonotonicSeconds();
      Timed timed;
      timed.attempt = Generate(sources, task, worker, options.variant, options.generate,
                               AttemptKey(options.seed, index, options.variant), settings);
      timed.seconds = MonotonicSeconds() - begin;
      return timed;
    };
    const auto consume = [&](int64_t index, Timed&& timed) {
      AttemptRecord record = RecordOf(timed.attempt, index);
      const bool kept = state.Add(&record);
      std::optional<Episode> episode;
      if (kept) episode = std::move(timed.attempt.episode);
      sink.Append(record, std::move(episode));
      times.busy_s += timed.seconds;
      times.steps += record.steps;
      ++times.attempts;
      const MimicSummary& summary = state.summary();
      progress.Advance(
          by_demos ? summary.kept() : summary.attempts(),
          fmt::format("success {:.0f} %", 100.0 * static_cast<double>(summary.successes()) /
                                              static_cast<double>(summary.attempts())));
      interrupted = InterruptRequested();
      return !interrupted && !state.over() && !late();
    };
    RunOrdered<Timed>(threads, state.next(), state.range().last, work, consume);
    sink.Store();
  }

  // one that was asked to stop too late is done, unless what it was made with is not known
  MimicReport report = state.Report(interrupted && !(weighed && state.over()));
  report.source_weights = sources.all_weights();
  report.suggestions = Advise(report, task, options.generate);
  AddSimulatorTimes(workers, &times);
  times.wall_s = MonotonicSeconds() - start - weighing_s;
  report.times = times;
  progress.Finish(fmt::format("{} successes of {} attempts ({:.1f} %)", report.successes,
                              report.attempts, 100 * report.rate()));
  return report;
}

}  // namespace understudy
