#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/options.h"
#include "core/base/progress.h"
#include "core/episode/attempt_record.h"
#include "core/seam/simulator.h"
#include "mimic/attempt/attempt.h"
#include "mimic/attempt/worker.h"
#include "mimic/run/report.h"
#include "mimic/sources/source_set.h"

namespace understudy {

// What and how much to generate.
struct RunOptions {
  std::string variant = "D0";
  uint64_t seed = 1;
  int64_t attempts = 0;
  int64_t demos = 0;
  int64_t max_attempts = 0;
  double min_rate = 0;
  double max_seconds = 0;
  // One part of the attempts, for jobs of a cluster: "i/n" or "auto" (ParseShard). Merged in order,
  // the parts hold what the run without it does, min_rate and max_seconds aside. Needs `attempts`:
  // what others reach is not known here.
  std::string shard;
  bool keep_failed = false;
  // Keep no more successes of a part of the reset space than so many times its even share of
  // `demos`, in balance_bins by balance_bins parts per object (Balance), from 1 on: with less they
  // would not hold `demos` together; 0: keep all.
  double balance = 0;
  int balance_bins = 3;
  int64_t weigh_attempts = 0;
  int coverage_bins = 8;
  GenerateOptions generate;
  Json world_plan;  // label-unsafe randomizers, whose worlds WorkerSeams::world draws; null: none
  int threads = 0;

  static constexpr std::array kUnwritten{"world_plan"};

  // Options that bound a run, choose among its attempts or only describe them: no attempt depends
  // on them. All others do (AttemptSettings).
  template <class V>
  void VisitBounds(V& v) {
    v("attempts", attempts, "start exactly so many attempts; 0: bounded by demos", Limits{0, 1e12});
    v("demos", demos, "stop at so many successes; 0: bounded by attempts", Limits{0, 1e12});
    v("max_attempts", max_attempts, "bound of a run with demos; 0: 100 + 20 * demos",
      Limits{0, 1e12});
    v("min_rate", min_rate,
      "stop when the success rate is below it with 95 % confidence, after 50 attempts; 0: never",
      Limits{0, 1});
    v("max_seconds", max_seconds, "stop after so much time, wherever that cuts; 0: never",
      Limits{0, 1e9});
    v("shard", shard,
      "one part of the attempts: i/n, from 0; auto: as the cluster's array says. It is written "
      "to OUT.shard-<i>-of-<n>.h5; data merge joins the parts");
    v("keep_failed", keep_failed, "write failed attempts too, marked as such");
    v("balance", balance,
      "times its even share of demos that a part of the reset space may hold, 1 or more; 0: any",
      Limits{0, 1000});
    v("balance_bins", balance_bins, "parts per axis of an object's reset range", Limits{2, 100});
    v("coverage_bins", coverage_bins, "per axis, in the report", Limits{1, 100});
  }
  template <class V>
  void Visit(V& v) {
    v("variant", variant, "reset distribution of the task");
    v("seed", seed, "of everything random");
    VisitBounds(v);
    v("weigh_attempts", weigh_attempts,
      "attempts beforehand that say how often each source is drawn; 0: evenly", Limits{0, 1e9});
    v("generate", generate, "how attempts are executed");
    v("world_plan", world_plan, "what varies the world of every attempt: see plan_file");
    v("threads", threads, "0: one per core; results do not depend on it", Limits{0, 4096},
      Effect::kSpeed);
  }
};

// Where attempts go, in their order. A sink may already hold some: the run goes on behind them.
class AttemptSink {
 public:
  virtual ~AttemptSink() = default;
  // What it is called in messages.
  virtual std::string name() const { return "the unfinished dataset"; }
  // Every attempt recorded so far, in order, from the first one of the shard. Called once, at
  // first.
  virtual void ReadBack(const std::function<void(const AttemptRecord&)>& each) = 0;
  virtual int64_t episodes() const = 0;  // once they are read back
  // The next attempt and, where it is kept, its episode: both are stored or neither, now or with a
  // later one. An error may be about an earlier one.
  virtual void Append(const AttemptRecord& record, std::optional<Episode> episode) = 0;
  virtual void Store() {}  // all that was appended
};

// Throws Error(kUsage) for what no run can do, whatever the sources: no bound, an unknown variant,
// parts of a run or a balance that do not go with the bounds.
void CheckRun(const RunOptions& options, const TaskSpec& task);

// Weighs the sources where that is asked for (WeighSources), then starts attempts until the bound
// of `options` is met, on all threads with one simulator each; they reach the sink in order, and
// what reaches it does not depend on the number of threads. A run bounded by demos is the shortest
// prefix of attempts that holds them, surplus (Balance) not counted. Goes on behind what the sink
// holds, to the same report, times aside, as a run that never stopped. Stops early, with what is
// recorded, when an interrupt is requested. `settings` is stored in every episode. Memory does not
// grow with the number of attempts. Throws Error: kUsage as CheckRun, and for a task that needs a
// planner where there is none; kBadInput, before the first attempt, for a sink that is damaged or
// holds more than this run makes.
MimicReport RunAttempts(SourceSet sources, const TaskSpec& task, const WorkerSeams& seams,
                        const RunOptions& options, const Json& settings, AttemptSink& sink,
                        Progress& progress);

// What RunAttempts would cost, from a probe of a few attempts on this machine (not the ones of the
// run: their keys differ). Sources are not weighed for it.
struct MimicPlan {
  int64_t attempts = 0;  // expected to be started
  double rate = 0;       // successes of the probe
  // Successes that balance is expected to leave out, if all starts succeed alike: where the task is
  // easier here than there it leaves out more.
  double surplus = 0;
  int64_t weigh_attempts = 0;  // made beforehand, in `seconds`
  int probe_attempts = 0;
  int threads = 1;
  double seconds = 0;  // expected
  double bytes = 0;    // expected size without images, before compression
  Json ToJson() const;
};
MimicPlan PlanAttempts(const SourceSet& sources, const TaskSpec& task, const WorkerSeams& seams,
                       const RunOptions& options);

}  // namespace understudy
