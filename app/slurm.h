#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "app/pipeline.h"
#include "app/planned_steps.h"

namespace understudy {

// How jobs of one kind are submitted.
struct SiteJob {
  std::vector<std::string> sbatch;
  int64_t ranks = 1, shards = 1;
  template <class V>
  void Visit(V& v) {
    v("sbatch", sbatch, "options of sbatch, such as \"--time=4:00:00\"");
    v("ranks", ranks, "of train: processes that share every batch", Limits{1, 1e6});
    v("shards", shards, "of mimic: parts that are made by tasks of an array, and merged",
      Limits{1, 1e5});
  }
};

// A cluster as `understudy run --slurm` needs it.
struct SlurmSite {
  std::string program;
  std::vector<std::string> setup, sbatch;
  std::string srun = "srun --kill-on-bad-exit=0";
  std::map<std::string, SiteJob> commands, steps;
  template <class V>
  void Visit(V& v) {
    v("program", program, "on the nodes; empty: the one that submits");
    v("setup", setup, "lines of bash that every job runs first");
    v("sbatch", sbatch, "options of sbatch for every job");
    v("srun", srun, "what starts the ranks of a training; --ntasks is added");
    v("commands", commands, "of steps that run this command");
    v("steps", steps,
      "of a step, beside those of its command; a step with a matrix is all of its instances");
  }
};

// Submits a job for each of `steps` that has a reason to run and no job in the queue: it waits for
// the jobs of its inputs, ends with `run --record`, and goes back into the queue where Slurm stops
// it. The last job waits for all of them and runs the pipeline file, which writes the table.
// Scripts, logs and results stand in <out>/.slurm/<step>. Returns {jobs: [{step, job, after}],
// summary}; summary is null where all steps are up to date.
// Throws Error(kBadInput) for a site file that does not fit, Error(kFailed) with sbatch's words.
Json SubmitJobs(const PipelineOptions& options, const LoadedPipeline& loaded,
                const std::vector<PlannedStep>& steps, const std::vector<Command>& commands);

// Records that the job of the step `options.record` has ended well. Throws Error(kFailed) where it
// has left no result, or where settings, inputs or program have changed since it was submitted;
// with `plan` it looks for that alone.
Json RecordJob(const PipelineOptions& options, const LoadedPipeline& loaded,
               const std::vector<Command>& commands, bool plan);

// The result of SubmitJobs or RecordJob for people.
std::string DescribeJobs(const Json& result);

}  // namespace understudy
