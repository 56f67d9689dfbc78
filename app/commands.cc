#include "app/commands.h"

#include "app/doctor.h"
#include "app/pipeline.h"
#include "app/report.h"

namespace understudy {
namespace {

struct NoOptions {
  template <class V>
  void Visit(V&) {}
};

struct ReportOptions {
  std::string file;
  std::string out;
  template <class V>
  void Visit(V& v) {
    v("file", file, "pipeline file of the run");
    v("out", out, "folder of the run, instead of the file's");
  }
};

// The page of a run that has been run before, whole or in part.
Json MakeReport(const ReportOptions& options, const std::vector<Command>& commands) {
  if (options.file.empty()) ThrowUsage("report: name the pipeline file of the run");
  Pipeline pipeline = FromJson<Pipeline>(LoadYaml(options.file), options.file);
  if (!options.out.empty()) pipeline.out = options.out;
  const auto order = CheckPipeline(pipeline, commands, options.file);
  if (!std::filesystem::is_directory(pipeline.out)) {
    ThrowBadInput(pipeline.out + ": there is no run yet: start it with `understudy run " +
                  options.file + "`");
  }
  WriteReport(pipeline, order, pipeline.out);
  return {{"report", (std::filesystem::path(pipeline.out) / "report.html").string()}};
}

}  // namespace

std::vector<Command> AllCommands() {
  std::vector<Command> commands{TeleopCommand(),  MimicCommand(), TuneCommand(),
                                AugmentCommand(), TrainCommand(), EvaluateCommand()};
  for (Command& command : DataCommands()) commands.push_back(std::move(command));

  Command run = MakeCommand<PipelineOptions>(
      "run", "run a pipeline file: each step that is not up to date",
      [](const PipelineOptions& options, CommandContext& context) {
        return RunPipeline(options, AllCommands(), context);
      },
      DescribeSummary);
  run.positional = {"file"};
  commands.push_back(std::move(run));

  Command report = MakeCommand<ReportOptions>(
      "report", "write the HTML page of a run again",
      [](const ReportOptions& options, CommandContext&) {
        return MakeReport(options, AllCommands());
      },
      [](const Json& result) { return result["report"].get<std::string>() + "\n"; });
  report.positional = {"file"};
  commands.push_back(std::move(report));

  commands.push_back(MakeCommand<NoOptions>(
      "doctor", "what works on this machine, and how to mend what does not",
      [](const NoOptions&, CommandContext&) { return Diagnose(); }, DescribeDiagnosis));
  commands.push_back(MakeCommand<NoOptions>(
      "list", "tasks, robots, grippers, randomizers, policies and devices",
      [](const NoOptions&, CommandContext&) { return ListParts(); }, DescribeParts));
  return commands;
}

}  // namespace understudy
