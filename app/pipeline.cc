#include "app/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <set>

#include "app/matrix.h"
#include "app/planned_steps.h"
#include "app/references.h"
#include "app/report.h"
#include "app/shipped.h"
#include "app/slurm.h"
#include "app/summary.h"
#include "app/terminal_progress.h"
#include "core/base/locks.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

// The steps that `names` stand for, all of a matrix by its step's name; every step for no names.
std::vector<std::string> StepsOf(const LoadedPipeline& loaded,
                                 const std::vector<std::string>& names) {
  if (names.empty()) return loaded.order;
  std::vector<std::string> steps;
  for (const std::string& name : names) {
    if (const auto found = loaded.instances.find(name); found != loaded.instances.end()) {
      steps.insert(steps.end(), found->second.begin(), found->second.end());
    } else if (loaded.pipeline.steps.contains(name)) {
      steps.push_back(name);
    } else {
      ThrowUsage("run: only: " + UnknownName("step", name, loaded.order));
    }
  }
  return steps;
}

// What a run would do, step by step.
Json ListPlan(const std::vector<PlannedStep>& steps) {
  Json listing = Json::array();
  int to_run = 0;
  for (const PlannedStep& step : steps) {
    listing.push_back(
        {{"step", step.name},
         {"command", step.spec.command},
         {"inputs", step.inputs},
         {"output", step.output.string()},
         {"up_to_date", step.reason.empty()},
         {"reason", step.reason},
         // null if it never ended well
         {"last_seconds", step.state.is_object() ? step.state.value("seconds", Json()) : Json()}});
    to_run += step.reason.empty() ? 0 : 1;
  }
  return {{"steps", listing}, {"to_run", to_run}};
}

// The table and the page of what has ended.
Json WriteSummary(const LoadedPipeline& loaded, const fs::path& out) {
  Json summary = Summarise(loaded.pipeline, loaded.order, out);
  WriteTextAtomically(out / "summary.json", summary.dump(2) + "\n");
  WriteReport(loaded.pipeline, loaded.order, summary, out);
  return summary;
}

}  // namespace

std::vector<std::string> InputsOf(const PipelineStep& step) {
  std::vector<std::string> inputs;
  MapStrings(step.with, [&](const std::string& text) {
    return ReplaceReferences(text, [&](const std::string& name) {
      if (std::find(inputs.begin(), inputs.end(), name) == inputs.end()) inputs.push_back(name);
      return std::string();
    });
  });
  return inputs;
}

std::vector<std::string> CheckPipeline(const Pipeline& pipeline,
                                       const std::vector<Command>& commands,
                                       const std::string& name) {
  Problems problems;
  std::vector<std::string> names;
  for (const auto& [step, spec] : pipeline.steps) names.push_back(step);
  if (names.empty()) problems.push_back("steps: at least one");
  if (pipeline.out.empty()) problems.push_back("out: must be given");
  for (const std::string& step : pipeline.order) {
    if (!pipeline.steps.contains(step)) {
      problems.push_back("order: " + UnknownName("step", step, names));
    }
  }

  // commands and references exist; options are options of the command
  for (const auto& [step, spec] : pipeline.steps) {
    const std::string path = "steps." + step;
    for (const std::string& input : InputsOf(spec)) {
      if (!pipeline.steps.contains(input)) {
        problems.push_back(fmt::format("{}: {}", path, UnknownName("step", input, names)));
      }
    }
    try {
      const Command& command = FindCommand(commands, spec.command);
      Json options = command.defaults;
      for (const auto& [key, value] : spec.with.items()) options[key] = value;
      LayPreset(command, spec.with, &options);
      command.resolve(options);
    } catch (const Error& error) {
      problems.push_back(fmt::format("{}: {}", path, error.what()));
    }
  }
  if (!problems.empty()) ThrowBadInput(fmt::format("{}: {}", name, fmt::join(problems, "; ")));

  // depth first, in the preferred order
  std::vector<std::string> order, preferred = pipeline.order;
  for (const std::string& step : names) {
    if (std::find(preferred.begin(), preferred.end(), step) == preferred.end()) {
      preferred.push_back(step);
    }
  }
  std::set<std::string> done, open;
  const std::function<void(const std::string&)> visit = [&](const std::string& step) {
    if (done.contains(step)) return;
    if (!open.insert(step).second) {
      ThrowBadInput(fmt::format("{}: steps.{}: depends on itself", name, step));
    }
    for (const std::string& input : InputsOf(pipeline.steps.at(step))) visit(input);
    open.erase(step);
    done.insert(step);
    order.push_back(step);
  };
  for (const std::string& step : preferred) visit(step);
  return order;
}

LoadedPipeline LoadPipeline(const std::string& file, const std::string& out,
                            const std::vector<Command>& commands) {
  const std::string found = FindShipped(ShippedKind::kPipeline, file);
  ExpandedPipeline expanded = ExpandMatrix(FromJson<Pipeline>(LoadYaml(found), found), found);
  if (!out.empty()) expanded.pipeline.out = out;
  std::vector<std::string> order = CheckPipeline(expanded.pipeline, commands, found);
  return {std::move(expanded.pipeline), std::move(order), std::move(expanded.instances)};
}

Json RunPipeline(const PipelineOptions& options, const std::vector<Command>& commands,
                 CommandContext& context) {
  if (options.file.empty()) ThrowUsage("run: name a pipeline file, for example demo/stack.yaml");
  const LoadedPipeline loaded = LoadPipeline(options.file, options.out, commands);
  const Pipeline& pipeline = loaded.pipeline;
  const fs::path out = pipeline.out;
  if (!options.record.empty()) return RecordJob(options, loaded, commands, context.plan);
  // a second run of the pipeline would redo the same steps
  std::optional<OutputLock> lock;
  if (!context.plan) {
    lock.emplace(out);
    fs::create_directories(out / ".state");
  }

  // the requested steps, with their inputs
  std::set<std::string> wanted;
  const std::function<void(const std::string&)> want = [&](const std::string& step) {
    wanted.insert(step);
    for (const std::string& input : InputsOf(pipeline.steps.at(step))) want(input);
  };
  for (const std::string& step : StepsOf(loaded, options.only)) want(step);
  std::vector<PlannedStep> planned = PlanSteps(loaded, options.force, commands);
  std::erase_if(planned, [&](const PlannedStep& step) { return !wanted.contains(step.name); });

  if (context.plan) return ListPlan(planned);
  if (!options.slurm.empty()) {
    Json submitted = SubmitJobs(options, loaded, planned, commands);
    if (submitted["summary"].is_null()) WriteSummary(loaded, out);
    return submitted;
  }

  // run what is not up to date
  int number = 0;
  for (PlannedStep& step : planned) {
    const std::string title =
        fmt::format("[{}/{}] {} ({})", ++number, planned.size(), step.name, step.spec.command);
    if (step.reason.empty()) {
      context.progress->Message(title + ": up to date");
      continue;
    }
    context.progress->Message(title);

    BeginStep(out, step, options.force);
    const auto start = std::chrono::steady_clock::now();
    CommandContext step_context{.progress = context.progress};
    const Command& command = FindCommand(commands, step.spec.command);
    const Json result = RunCommand(command, step.options, step_context);
    EndStep(out, command, result,
            std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(), &step);
    if (InterruptRequested()) {
      ThrowFailed(fmt::format("interrupted after step '{}'; run the same command again to resume",
                              step.name));
    }
  }

  return WriteSummary(loaded, out);
}

std::string DescribePipelinePlan(const Json& plan) {
  if (plan.contains("recorded")) return "";  // a job that asks whether it may begin
  std::string text;
  double known_seconds = 0;
  int unknown = 0;
  size_t widest = 22;
  for (const Json& step : plan["steps"]) {
    widest = std::max(widest, step["step"].get<std::string>().size());
  }
  for (const Json& step : plan["steps"]) {
    std::string reason = step["reason"];
    if (!reason.empty() && step["last_seconds"].is_number()) {
      const double seconds = step["last_seconds"];
      known_seconds += seconds;
      reason += fmt::format(", took {} before", FormatDuration(seconds));
    } else if (!reason.empty()) {
      ++unknown;
    }
    text += fmt::format("{:<8} {:<22} {:<9} {}{}\n", reason.empty() ? "keep" : "run",
                        step["step"].get<std::string>(), step["command"].get<std::string>(),
                        step["output"].get<std::string>(), reason.empty() ? "" : ": " + reason);
  }
  text += fmt::format("{} of {} steps to run", plan["to_run"].get<int>(), plan["steps"].size());
  if (known_seconds > 0) text += fmt::format(", about {}", FormatDuration(known_seconds));
  if (known_seconds > 0 && unknown > 0) text += fmt::format(" and {} that never ran", unknown);
  return text + "\n";
}

}  // namespace understudy
