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
  Json with = Json::object();
  std::string policy, condition;  // labels of an evaluation's row in the summary
  template <class V>
  void Visit(V& v) {
    v("command", command, "as on the command line");
    v("with", with, "its options; ${step} is what that step wrote");
    v("policy", policy, "label of the row in the summary");
    v("condition", condition, "label of the row in the summary");
  }
};

// A pipeline file: a graph of named steps.
struct Pipeline {
  std::string name, title, description;
  std::string out;  // folder of all outputs
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

// `understudy run`.
struct PipelineOptions {
  std::string file;
  std::string out;  // overrides the file's
  bool force = false;
  std::vector<std::string> only;  // steps to run, with the inputs that they lack
  template <class V>
  void Visit(V& v) {
    v("file", file, "pipeline: listed, or path of a YAML file", kRequired);
    v("out", out, "folder of all outputs, instead of the file's", Effect::kPlace);
    v("force", force, "redo every step");
    v("only", only, "these steps alone, with the inputs that they lack");
  }
};

// Runs the steps whose inputs, settings or program have changed since they last ended well, writes
// summary.json and report.html, and returns the summary. Interrupted at any moment, the next run
// resumes where this one stopped.
Json RunPipeline(const PipelineOptions& options, const std::vector<Command>& commands,
                 CommandContext& context);

// The summary as a table for people, and the plan of a run.
std::string DescribeSummary(const Json& summary);
std::string DescribePipelinePlan(const Json& plan);

// Identity of an output: of a file its size and time of change, of a folder the names and contents
// of all files below it. A changed or missing output makes its step run again. Empty if missing.
std::string Fingerprint(const std::filesystem::path& output);

// What is known of a step that ended well; from <out>/.state/<step>.json. Empty where there is
// none.
Json LoadStepState(const std::filesystem::path& out, const std::string& step);

}  // namespace understudy
