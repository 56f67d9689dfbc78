#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "app/pipeline.h"

namespace understudy {

// A step as it would be run now, and why.
struct PlannedStep {
  std::string name, key;  // the key covers everything that the result depends on
  PipelineStep spec;
  std::vector<std::string> inputs;
  Json options;  // resolved
  std::filesystem::path output;
  std::vector<std::string> written;  // all files and folders that it writes, `output` among them
  std::string reason;                // to run it; empty: up to date
  Json state;                        // of the last time that it ended well, or null
};

// Resolves the options and keys of all steps, in the pipeline's order. `force`: each has a reason.
std::vector<PlannedStep> PlanSteps(const LoadedPipeline& loaded, bool force,
                                   const std::vector<Command>& commands);

// Takes away what an earlier run with other settings or `force` left at the step's outputs; what
// was begun under the same key stays, to be resumed, and so does a file outside of the pipeline's
// folder that no run of the step wrote. Returns whether it is resumed.
bool BeginStep(const std::filesystem::path& out, const PlannedStep& step, bool force);

// Whether the step was begun under its present key and has not ended.
bool WasBegun(const std::filesystem::path& out, const PlannedStep& step);

// Records that a step ended well with `result`. Throws Error(kFailed) where the result says that it
// was interrupted or did not reach its goal.
void EndStep(const std::filesystem::path& out, const Command& command, const Json& result,
             double seconds, PlannedStep* step);

// Identity of an output: of a file its size and time of change, of a folder the names and contents
// of all files below it. A changed or missing output makes its step run again. Empty if missing.
std::string Fingerprint(const std::filesystem::path& output);

// What is known of a step that ended well; from <out>/.state/<step>.json. Empty where there is
// none.
Json LoadStepState(const std::filesystem::path& out, const std::string& step);

}  // namespace understudy
