#pragma once

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "core/base/options.h"
#include "core/base/progress.h"
#include "core/episode/rises.h"
#include "core/seam/episode_source.h"
#include "core/seam/simulator.h"
#include "core/spec/task_spec.h"
#include "data/store/read_options.h"
#include "mimic/run/generator.h"
#include "mimic/run/report.h"
#include "mimic/tune/tune.h"

namespace understudy {

// `understudy mimic`: demonstrations -> generated dataset.
struct MimicOptions {
  std::vector<std::string> sources;
  std::string source_mask;
  int64_t source_limit = 0;
  std::vector<std::string> leave_out;
  bool transfer = false;
  int debounce = kRiseRows;
  ReadOptions read;  // how the sources are read
  RunOptions run;
  std::string out;  // dataset to write; a part of a run gets a name of its own (Shard::Output)
  bool overwrite = false;
  bool resume = true;

  static constexpr std::array kUnwritten{ReadOptions::kOutsideLinks, ReadOptions::kQuaternions,
                                         ReadOptions::kSkipBad, ReadOptions::kMap, "leave_out"};
  // Which demonstrations are read, and how: part of the sources, not of how attempts are made.
  template <class V>
  void VisitSources(V& v) {
    v("sources", sources, "datasets of demonstrations", kRequired);
    v("source_mask", source_mask, "only episodes of this mask; empty: all");
    v("source_limit", source_limit, "at most so many demonstrations, the first ones; 0: all",
      Limits{0, 1e9});
    v("leave_out", leave_out,
      "sources not to use: demo_3, or s.h5:demo_3 where several files have one");
    v("transfer", transfer, "sources of other robots too: this one follows their hands");
    read.Visit(v);
  }
  template <class V>
  void Visit(V& v) {
    VisitSources(v);
    v("debounce", debounce, "steps that a signal must stay to end a subtask", Limits{1, 1000});
    v("run", run, "what and how much to generate");
    v("out", out, "dataset to write", kRequired, kOutput);
    v("overwrite", overwrite, "replace it where it exists", Effect::kPlace);
    v("resume", resume, "resume an unfinished run of equal settings", Effect::kPlace);
  }
};

// Makes an episode of another program's file one of ours: names and frames. Empty: as it is read.
using AdaptSource = std::function<void(const EpisodeSource&, Episode*)>;

// Reads the sources, generates, writes `out` (as `out`.part until whole). Interrupted, it leaves
// the .part, which the next run with resume continues to the same result; one without attempts does
// not stay behind. Throws Error: kUsage without sources, output or bound, or where `out` exists;
// kBadInput for unreadable or unusable sources, starts that are all out of reach, or a .part that
// is damaged, of other settings or holds more than is asked for; kFailed where the disk fails.
MimicReport RunMimic(const MimicOptions& options, const TaskSpec& task, const WorkerSeams& seams,
                     Progress& progress, const AdaptSource& adapt = {});

// Makes attempts of such a run again and hands each to `each` on the calling thread, in the order
// of `numbers`. An attempt is a function of its number and of how the run weighed its sources
// (MimicReport::source_weights), so that nothing else of the run has to be kept for it.
void RepeatAttempts(const MimicOptions& options, const TaskSpec& task, const WorkerSeams& seams,
                    const SourceWeights& weights, const std::vector<int64_t>& numbers,
                    const std::function<void(int64_t number, const Attempt& attempt)>& each,
                    const AdaptSource& adapt = {});

// What it would cost, with the sources checked; writes nothing.
MimicPlan PlanMimic(const MimicOptions& options, const TaskSpec& task, const WorkerSeams& seams,
                    const AdaptSource& adapt = {});

// Tune() on the sources of `options`; its `run` but for `run.generate` does not count. Errors as
// RunMimic.
TuneReport TuneMimic(const MimicOptions& options, const TuneOptions& tune, const TaskSpec& task,
                     const WorkerSeams& seams, Progress& progress, const AdaptSource& adapt = {});

}  // namespace understudy
