// What a run would cost.
#include <algorithm>
#include <cmath>

#include "core/base/clock.h"
#include "core/base/ordered_pool.h"
#include "mimic/run/run_state.h"

namespace understudy {
namespace {

constexpr int kProbeAttempts = 20;
constexpr double kProbeSeconds = 3;
// of the surplus
constexpr size_t kStarts = 1000;
constexpr double kStartSeconds = 1;
constexpr int kRuns = 30;
constexpr int64_t kMostDraws = 2'000'000;
constexpr int64_t kMostKept = 100'000;  // more of them come to the same share

RngKey ProbeKey(const RunOptions& options, int64_t number) {
  return AttemptKey(options.seed, number, options.variant).WithStage("mimic plan");
}

// How many successes it takes to keep one, if all starts succeed alike: the mean of runs that draw
// from starts as they are. A balance that leaves next to nothing free is cut off: at least so many.
double SuccessesPerKept(const RunOptions& options, const TaskSpec& task, Simulator& simulator) {
  if (options.balance <= 0) return 1;
  std::vector<std::vector<Pose>> starts;
  const double start = MonotonicSeconds();
  while (starts.empty() ||
         (starts.size() < kStarts && MonotonicSeconds() - start < kStartSeconds)) {
    const auto number = static_cast<int64_t>(starts.size());
    simulator.Reset(options.variant, ProbeKey(options, number).WithTerm("reset"));
    starts.push_back(simulator.Observe().X_WO);
  }
  RunOptions fewer = options;
  fewer.demos = std::min(options.demos, kMostKept);
  Rng rng(ProbeKey(options, 0).WithTerm("balance"));
  int64_t drawn = 0, kept = 0;
  for (int run = 0; run < kRuns && drawn < kMostDraws; ++run) {
    Balance balance = BalanceOf(fewer, task, simulator.info().objects);
    for (int64_t here = 0; here < fewer.demos && drawn < kMostDraws; ++drawn) {
      const bool fits = balance.Keep(starts[rng.UniformInt(starts.size())]);
      here += fits;
      kept += fits;
    }
  }
  return static_cast<double>(drawn) / static_cast<double>(kept);
}

}  // namespace

Json MimicPlan::ToJson() const {
  Json json{{"attempts", attempts}, {"rate", rate},       {"probe_attempts", probe_attempts},
            {"threads", threads},   {"seconds", seconds}, {"bytes", bytes}};
  // what is not used says nothing
  if (surplus > 0) json["surplus"] = surplus;
  if (weigh_attempts > 0) json["weigh_attempts"] = weigh_attempts;
  return json;
}

MimicPlan PlanAttempts(const SourceSet& sources, const TaskSpec& task, const WorkerSeams& seams,
                       const RunOptions& options) {
  CheckRun(options, task);
  const AttemptRange range = RangeOf(options);
  Worker worker = MakeWorker(task, seams);
  const SimulatorInfo& info = worker.simulator->info();

  // a short run under keys of its own
  MimicPlan plan;
  int64_t rows = 0, successes = 0;
  const double start = MonotonicSeconds();
  while (plan.probe_attempts < kProbeAttempts &&
         (plan.probe_attempts == 0 || MonotonicSeconds() - start < kProbeSeconds)) {
    const RngKey key = ProbeKey(options, plan.probe_attempts);
    const Attempt attempt = Generate(sources, task, worker, options.variant, options.generate, key);
    ++plan.probe_attempts;
    successes += attempt.success();
    if (attempt.success() || options.keep_failed)
      rows += static_cast<int64_t>(attempt.episode.length());
  }
  const double per_attempt = (MonotonicSeconds() - start) / plan.probe_attempts;

  // bounded by successes: so many attempts as the probe's rate makes likely
  plan.rate = static_cast<double>(successes) / plan.probe_attempts;
  plan.attempts = range.count();
  double kept_share = 1;  // of the successes
  if (options.demos > 0) {
    const auto demos = static_cast<double>(options.demos);
    kept_share = 1 / SuccessesPerKept(options, task, *worker.simulator);
    plan.surplus = demos / kept_share - demos;
    const double needed = std::ceil(demos / kept_share / std::max(plan.rate, 1e-3));
    plan.attempts = static_cast<int64_t>(std::min(static_cast<double>(plan.attempts), needed));
  }
  plan.threads = ThreadCount(options.threads, range.count());
  plan.weigh_attempts = options.weigh_attempts;
  plan.seconds =
      per_attempt * static_cast<double>(plan.attempts + plan.weigh_attempts) / plan.threads;

  // float64 columns of a row: states, poses (4x4 and short forms), joints, actions
  const double arms = static_cast<double>(info.arms.size());
  double joints = 0;  // of all arms
  for (const auto* names : {&info.joint_names, &info.gripper_joint_names}) {
    for (const auto& arm : *names) joints += static_cast<double>(arm.size());
  }
  const double numbers = static_cast<double>(info.state_size + info.flat_state_size) +
                         23.0 * static_cast<double>(info.objects.size()) +
                         arms * (2 * 16 + 3 * 8 + 7 + 7) + 2 * joints;
  plan.bytes = 8 * numbers * kept_share * static_cast<double>(rows) / plan.probe_attempts *
               static_cast<double>(plan.attempts);
  return plan;
}

}  // namespace understudy
