#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "app/registry.h"

namespace understudy {

// One step of a pipeline file. `with` holds the command's options; "${name}" in it stands for what
// the step `name` wrote, and makes this step depend on it.
struct PipelineStep {
  std::string command;
  Json matrix;  // null, or axes of values for which the step is run: see app/matrix.h
  Json with = Json::object();
  std::string policy, condition;
  template <class V>
  void Visit(V& v) {
    v("command", command, "as on the command line");
    v("matrix", matrix, "values for which the step is run, by axis");
    v("with", with, "its options; ${step} is what that step wrote");
    v("policy", policy, "label of the row in the summary");
    v("condition", condition, "label of the row in the summary");
  }
};

// A pipeline file: a graph of named steps.
struct Pipeline {
  std::string name, title, description;
  std::string out;
  std::map<std::string, PipelineStep> steps;
  std::vector<std::string> order;  // optional: rows and report follow it; else by dependency, name
  template <class V>
  void Visit(V& v) {
    v("name", name, "of the run");
    v("title", title, "of the report");
    v("description", description, "of the report");
    v("out", out, "folder of all outputs");
    v("steps", steps, "by name");
    v("order", order, "preferred order of the steps; dependencies come first all the same");
  }
};

// Names of the steps that `step` takes inputs from.
std::vector<std::string> InputsOf(const PipelineStep& step);

// Checks commands, options and references and returns the steps in an order in which each comes
// after its inputs. Throws Error(kBadInput) with every violation (unknown command or step, a
// cycle).
std::vector<std::string> CheckPipeline(const Pipeline& pipeline,
                                       const std::vector<Command>& commands,
                                       const std::string& name);

// A pipeline file as it is run.
struct LoadedPipeline {
  Pipeline pipeline;                                          // every step is one command
  std::vector<std::string> order;                             // each step after its inputs
  std::map<std::string, std::vector<std::string>> instances;  // of the file's steps, by name
};

// Reads a listed pipeline or a file, expands its matrices (app/matrix.h) and checks it. `out`,
// unless empty, replaces the file's. Throws Error(kBadInput) with every violation.
LoadedPipeline LoadPipeline(const std::string& file, const std::string& out,
                            const std::vector<Command>& commands);

// `understudy run`.
struct PipelineOptions {
  std::string file;
  std::string out;
  bool force = false;
  std::vector<std::string> only;
  std::string slurm;
  std::string record;
  template <class V>
  void Visit(V& v) {
    v("file", file, "pipeline: listed, or path of a YAML file", kRequired);
    v("out", out, "folder of all outputs, instead of the file's", Effect::kPlace);
    v("force", force, "redo every step");
    v("only", only,
      "these steps alone, with the inputs that they lack; a step with a matrix is all of its "
      "instances");
    v("slurm", slurm,
      "YAML file of a site: submit the steps as jobs of Slurm that wait for their inputs; the same "
      "command again submits what is missing",
      Effect::kPlace);
    v("record", record, "of the jobs of --slurm: this step's job has ended", Effect::kPlace);
  }
};

// Runs the steps whose inputs, settings or program have changed since they last ended well, writes
// summary.json and report.html, and returns the summary. Interrupted at any moment, the next run
// resumes where this one stopped.
Json RunPipeline(const PipelineOptions& options, const std::vector<Command>& commands,
                 CommandContext& context);

// The plan of a run for people.
std::string DescribePipelinePlan(const Json& plan);

}  // namespace understudy
