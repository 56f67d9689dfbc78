#include "app/commands.h"

#include "app/doctor.h"
#include "app/gallery.h"
#include "app/list.h"
#include "app/pipeline.h"
#include "app/report.h"
#include "app/shipped.h"
#include "app/slurm.h"
#include "app/summary.h"

namespace understudy {
namespace {

struct NoOptions {
  template <class V>
  void Visit(V&) {}
};

struct DoctorOptions {
  std::string path = ".";
  template <class V>
  void Visit(V& v) {
    v("path", path, "folder that results go to: free space, and which locks work there");
  }
};

struct ReportOptions {
  std::string file;
  std::string out;
  template <class V>
  void Visit(V& v) {
    v("file", file, "pipeline of the run: listed, or path of a YAML file", kRequired);
    v("out", out, "folder of the run, instead of the file's", Effect::kPlace);
  }
};

// The page of a run that has been run before, whole or in part.
Json MakeReport(const ReportOptions& options, const std::vector<Command>& commands, bool plan) {
  if (options.file.empty()) ThrowUsage("report: name the pipeline file of the run");
  const auto [pipeline, order, instances] = LoadPipeline(options.file, options.out, commands);
  if (!std::filesystem::is_directory(pipeline.out)) {
    ThrowBadInput(pipeline.out + ": there is no run yet: start it with `understudy run " +
                  options.file + "`");
  }
  if (!plan) {
    WriteReport(pipeline, order, Summarise(pipeline, order, pipeline.out), pipeline.out);
  }
  return {{"report", (std::filesystem::path(pipeline.out) / "report.html").string()}};
}

}  // namespace

std::vector<Command> AllCommands() {
  std::vector<Command> commands{TeleopCommand(),  MimicCommand(),        TuneCommand(),
                                AugmentCommand(), TrainCommand(),        EvaluateCommand(),
                                PredictCommand(), ExportPolicyCommand(), ServeCommand(),
                                DriveCommand(),   SimulateCommand(),   BenchInferCommand()};
  for (Command& command : DataCommands()) commands.push_back(std::move(command));

  Command run = MakeCommand<PipelineOptions>(
      "run", "run a pipeline file: each step that is not up to date",
      [](const PipelineOptions& options, CommandContext& context) {
        return RunPipeline(options, AllCommands(), context);
      },
      [](const Json& result) {
        return result.contains("rows") ? DescribeSummary(result) : DescribeJobs(result);
      });
  run.positional = {"file"};
  run.describe_plan = DescribePipelinePlan;
  commands.push_back(std::move(run));

  Command report = MakeCommand<ReportOptions>(
      "report", "write the HTML page of a run again",
      [](const ReportOptions& options, CommandContext& context) {
        return MakeReport(options, AllCommands(), context.plan);
      },
      [](const Json& result) { return result["report"].get<std::string>() + "\n"; });
  report.positional = {"file"};
  commands.push_back(std::move(report));

  Command gallery = MakeCommand<GalleryOptions>(
      "gallery", "write one HTML page of the tasks: pictures, reset ranges, measured rates",
      [](const GalleryOptions& options, CommandContext& context) {
        return MakeGallery(options, context.plan, *context.progress);
      },
      [](const Json& result) { return result["page"].get<std::string>() + "\n"; });
  commands.push_back(std::move(gallery));

  Command doctor = MakeCommand<DoctorOptions>(
      "doctor", "what works on this machine, and how to mend what does not",
      [](const DoctorOptions& options, CommandContext&) { return Diagnose(options.path); },
      DescribeDiagnosis);
  doctor.positional = {"path"};
  commands.push_back(std::move(doctor));
  commands.push_back(MakeCommand<NoOptions>(
      "list",
      "tasks, robots, grippers, randomizers, formats, policies, devices, checkpoints, plans and "
      "pipelines",
      [](const NoOptions&, CommandContext&) { return ListParts(); }, DescribeParts));
  return commands;
}

}  // namespace understudy
