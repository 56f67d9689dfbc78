// data …: look at, check, join and mend datasets.
#include "app/data_commands.h"

#include <fmt/format.h>

#include "app/commands.h"
#include "app/format_command.h"
#include "app/say_skipped.h"
#include "app/twin.h"
#include "core/seam/dataset_header.h"
#include "data/formats/base/column_map.h"
#include "data/formats/edit.h"
#include "data/formats/formats.h"
#include "data/store/edit/describe.h"
#include "data/store/edit/describe_by.h"
#include "data/store/edit/replay.h"
#include "data/store/edit/verify.h"
#include "data/store/files.h"

namespace understudy {
namespace {

struct InfoFlags {
  std::string path, map_template;
  GroupBy by = GroupBy::kNothing;
  ReadOptions read;
  template <class V>
  void Visit(V& v) {
    v("path", path, "dataset", kRequired);
    v("map_template", map_template,
      "file to write for --map, filled in with what is known of the columns; nothing else is "
      "printed",
      kOutput);
    v("by", by, "also what each operator, station, task, variant or instruction has");
    read.Visit(v);
  }
};

Json Info(const InfoFlags& flags, const CommandContext& context) {
  const auto source = OpenDataset(Given(flags.path, "info", "path"), flags.read);
  if (flags.map_template.empty()) {
    Json info = DescribeDataset(*source);
    if (flags.by != GroupBy::kNothing)
      info["by_" + ToJson(flags.by).get<std::string>()] = DescribeBy(*source, flags.by);
    return info;
  }
  CheckOutput(flags.map_template, false);
  if (!context.plan) WriteTextAtomically(flags.map_template, ColumnMapTemplate(*source));
  return {{"out", flags.map_template}, {"columns", source->ListColumns().size()}};
}

struct VerifyFlags {
  std::string path, task, robot;
  bool replay = false;
  ReplayOptions options;
  ReadOptions read;
  template <class V>
  void Visit(V& v) {
    v("path", path, "dataset of any known program, a file or a folder", kRequired);
    v("replay", replay, "also apply the actions in the simulator and compare the states");
    v("task", task, "for the replay: listed task or path of a task.yaml; empty: the dataset's own");
    v("robot", robot,
      "for the replay: listed robot, robot+gripper, or path of a robot.yaml; empty: the dataset's "
      "own");
    v("tolerance", options.tolerance, "of the replay, any number of a state; 0: bit by bit",
      Limits{0, 1e9});
    v("threads", options.threads, "0: one per core", Limits{0, 4096}, Effect::kSpeed);
    read.Visit(v);
  }
};

struct MergeOptions {
  std::vector<std::string> inputs;
  std::string out;
  bool by_reference = false;
  bool partial = false;
  bool overwrite = false;
  ReadOptions read;
  template <class V>
  void Visit(V& v) {
    v("inputs", inputs, "datasets of the same task and robot", kRequired);
    v("out", out, "dataset to write", kRequired, kOutput);
    v("by_reference", by_reference, "a master of relative links instead of a copy");
    v("partial", partial, "also where parts of a run (mimic --shard) are missing");
    v("overwrite", overwrite, "replace it where it exists", Effect::kPlace);
    read.Visit(v);
  }
};

struct TrimFlags {
  std::string path, out;
  TrimOptions options;
  template <class V>
  void Visit(V& v) {
    v("path", path, "dataset", kRequired);
    v("out", out, "dataset to write", kRequired, kOutput);
    v("margin", options.margin, "idle rows that stay at each end", Limits{0, 1e6});
    v("least_rows", options.least_rows, "what would become shorter stays as it is", Limits{1, 1e6});
    v("head", options.head, "trim beginnings");
    v("tail", options.tail, "trim ends");
    v("overwrite", options.overwrite, "replace it where it exists", Effect::kPlace);
    options.read.Visit(v);
  }
};

struct RepairOptions {
  std::string path, out;
  bool overwrite = false;
  ReadOptions read;
  template <class V>
  void Visit(V& v) {
    v("path", path, "damaged dataset or .part file", kRequired);
    v("out", out, "dataset to write", kRequired, kOutput);
    v("overwrite", overwrite, "replace it where it exists", Effect::kPlace);
    read.Visit(v);
  }
};

struct FilterFlags {
  std::string path, out, where;
  std::vector<std::string> drop;
  bool by_reference = false;
  bool overwrite = false;
  ReadOptions read;
  template <class V>
  void Visit(V& v) {
    v("path", path, "dataset", kRequired);
    v("out", out, "dataset to write", kRequired, kOutput);
    v("where", where,
      "condition that an episode must meet, such as \"success && steps < 200 && "
      "motion.idle_share < 0.2\"");
    v("drop", drop, "names of episodes to leave out");
    v("by_reference", by_reference, "a master of relative links instead of a copy");
    v("overwrite", overwrite, "replace it where it exists", Effect::kPlace);
    read.Visit(v);
  }
};

struct RelabelFlags {
  std::string path, out;
  RelabelOptions options;
  template <class V>
  void Visit(V& v) {
    v("path", path, "dataset", kRequired);
    v("out", out, "dataset to write", kRequired, kOutput);
    v("where", options.where, "condition of the episodes to change; empty: all");
    v("instruction", options.instruction, "instruction given to the operator");
    v("success", options.success, "true or false");
    v("cause", options.cause, "of a failure");
    v("overwrite", options.overwrite, "replace it where it exists", Effect::kPlace);
    options.read.Visit(v);
  }
};

struct SplitFlags {
  std::string path, out;
  SplitOptions options;
  template <class V>
  void Visit(V& v) {
    v("path", path, "dataset", kRequired);
    v("out", out, "dataset to write: the same episodes with the filter keys", kRequired, kOutput);
    v("parts", options.parts,
      "share of each part, together at most 1; empty: {train: 0.9, valid: "
      "0.1}",
      Limits{0, 1});
    v("percent", options.percent, "further keys <n>_percent and <n>_percent_<part>", Limits{1, 99});
    v("files", options.files, "one dataset per part (out.<part>.h5) instead of filter keys");
    v("seed", options.seed, "of the draw");
    v("by_reference", options.by_reference, "a master of relative links instead of a copy");
    v("overwrite", options.overwrite, "replace it where it exists", Effect::kPlace);
    options.read.Visit(v);
  }
};

Json Verify(const VerifyFlags& flags, const OptionValues& format_options, CommandContext& context) {
  Progress& progress = *context.progress;
  const DatasetFormat* format = FindFormat(Given(flags.path, "verify", "path"), flags.read);
  if (flags.replay && format != nullptr && format->Import) {
    ThrowUsage(fmt::format(
        "data verify: replay: a dataset of format {} has no states; `data convert --to {}` makes "
        "one that has, if the folder was written from such a dataset and keeps all of it",
        format->name, OwnFormat().name));
  }
  VerifyReport report = VerifyApart(
      flags.path, {.threads = flags.options.threads, .read = flags.read}, format_options, progress);
  Json replay;
  if (flags.replay && report.faults.empty()) {
    const std::unique_ptr<EpisodeSource> reader = OpenDataset(flags.path, flags.read);
    const Twin twin = LoadTwinOf(*reader, flags.task, flags.robot);
    ReplayOptions options = flags.options;
    options.predicates = ToJson(twin.task)["predicates"];
    const ReplayReport replayed =
        VerifyReplay(*reader, twin.info, twin.simulators, options, progress);
    report.faults = replayed.faults;
    replay = {{"episodes", replayed.episodes},
              {"bit_exact", replayed.bit_exact},
              {"worst_error", replayed.worst_error}};
  }
  Json result = ToJson(report);
  result["path"] = flags.path;
  if (!replay.is_null()) result["replay"] = replay;
  result["failed"] = !report.faults.empty();
  return result;
}

std::string DescribeVerify(const Json& result) {
  std::string text;
  for (const Json& fault : result["faults"]) {
    text += fmt::format("{}: {}\n", fault["place"].get<std::string>(),
                        fault["what"].get<std::string>());
  }
  text += fmt::format("{}: {} episodes, {} steps, {} faults\n", result["path"].get<std::string>(),
                      result["episodes"].dump(), result["steps"].dump(), result["faults"].size());
  if (result.contains("replay")) {
    const Json& replay = result["replay"];
    text += fmt::format("replayed: {} of {} bit-exact, worst difference {}\n",
                        replay["bit_exact"].dump(), replay["episodes"].dump(),
                        replay["worst_error"].dump());
  }
  return text;
}

}  // namespace

const std::string& Given(const std::string& path, const char* command, const char* field) {
  if (path.empty()) ThrowUsage(fmt::format("data {}: {}: name a dataset", command, field));
  return path;
}

namespace {

std::vector<std::string> PathsOf(const Json& options) {
  std::vector<std::string> paths = options.value("inputs", std::vector<std::string>{});
  if (const std::string path = options.value("path", ""); !path.empty()) paths.push_back(path);
  return paths;
}

ReadOptions ReadOptionsOf(const Json& options) {
  Json reading = Json::object();
  for (const char* key : {ReadOptions::kOutsideLinks, ReadOptions::kQuaternions,
                          ReadOptions::kSkipBad, ReadOptions::kMap}) {
    if (options.contains(key)) reading[key] = options[key];
  }
  return FromJson<ReadOptions>(reading, "options");
}

// What a command that makes a dataset from others would read and write; the checks that need no
// work are made.
Json PlanRewrite(const Json& options) {
  const std::vector<std::string> paths = PathsOf(options);
  const std::string out = options.value("out", "");
  const ReadOptions read = ReadOptionsOf(options);
  if (paths.empty()) ThrowUsage("name a dataset");
  if (out.empty()) ThrowUsage("out: name a dataset to write");
  CheckOutput(out, options.value("overwrite", false), {paths.begin(), paths.end()});
  Json inputs = Json::array();
  for (const std::string& path : paths) {
    const auto reader = OpenDataset(path, read);
    int64_t steps = 0;
    for (const EpisodeSummary& episode : reader->episodes())
      steps += static_cast<int64_t>(episode.length);
    inputs.push_back({{"path", path}, {"episodes", reader->episodes().size()}, {"steps", steps}});
  }
  return {{"inputs", inputs}, {"out", out}};
}

}  // namespace

std::vector<Command> DataCommands() {
  std::vector<Command> commands;
  commands.push_back(MakeCommand<InfoFlags>(
      "data info", "what a dataset holds",
      [](const InfoFlags& options, CommandContext& context) { return Info(options, context); },
      [](const Json& result) { return Outline(result); }));
  commands.push_back(MakeFormatCommand<VerifyFlags>(
      "data verify",
      "every fault of a dataset, with its place; --replay: do actions lead to states",
      ImportOptionsOfFormats(), Verify, DescribeVerify));
  commands.push_back(MakeCommand<MergeOptions>(
      "data merge", "join datasets, by copy or by reference",
      [](const MergeOptions& options, CommandContext& context) -> Json {
        if (options.inputs.empty()) ThrowUsage("data merge: inputs: name at least one dataset");
        Given(options.out, "merge", "out");
        MergeAny({options.inputs.begin(), options.inputs.end()}, options.out,
                 {options.by_reference, options.overwrite, options.partial, options.read},
                 *context.progress);
        return {{"out", options.out},
                {"episodes", OpenDataset(options.out, options.read)->episodes().size()}};
      },
      [](const Json& result) {
        return fmt::format("{}: {} episodes\n", result["out"].get<std::string>(),
                           result["episodes"].dump());
      }));
  commands.push_back(MakeCommand<FilterFlags>(
      "data filter", "the episodes that meet a condition, as a new dataset",
      [](const FilterFlags& flags, CommandContext& context) -> Json {
        Given(flags.path, "filter", "path");
        const FilterReport report =
            FilterAny(flags.path, Given(flags.out, "filter", "out"),
                      {flags.where, flags.drop, flags.by_reference, flags.overwrite, flags.read},
                      *context.progress);
        return {{"out", flags.out}, {"kept", report.kept}, {"dropped", report.dropped}};
      },
      [](const Json& result) {
        return fmt::format("{}: {} episodes kept, {} left out\n", result["out"].get<std::string>(),
                           result["kept"].dump(), result["dropped"].dump());
      }));
  commands.push_back(MakeCommand<RelabelFlags>(
      "data relabel", "a copy in which some episodes have another instruction, success or cause",
      [](const RelabelFlags& flags, CommandContext& context) -> Json {
        Given(flags.path, "relabel", "path");
        return {{"out", flags.out},
                {"changed", RelabelAny(flags.path, Given(flags.out, "relabel", "out"),
                                       flags.options, *context.progress)}};
      },
      [](const Json& result) { return Outline(result); }));
  commands.push_back(MakeCommand<SplitFlags>(
      "data split", "draw filter keys (train, valid, 20_percent) or one dataset per part",
      [](const SplitFlags& flags, CommandContext& context) -> Json {
        Given(flags.path, "split", "path");
        return {{"episodes", SplitAny(flags.path, Given(flags.out, "split", "out"), flags.options,
                                      *context.progress)}};
      },
      [](const Json& result) { return Outline(result); }));
  commands.push_back(ViewCommand());
  commands.push_back(ConvertCommand());
  commands.push_back(AnnotateCommand());
  commands.push_back(MakeCommand<TrimFlags>(
      "data trim", "a copy without the idle rows at the ends of its episodes",
      [](const TrimFlags& flags, CommandContext& context) -> Json {
        Given(flags.path, "trim", "path");
        const TrimReport report =
            TrimAny(flags.path, Given(flags.out, "trim", "out"), flags.options, *context.progress);
        return {{"out", flags.out},
                {"episodes", report.episodes},
                {"trimmed", report.trimmed},
                {"rows", report.rows},
                {"rows_dropped", report.rows_dropped}};
      },
      [](const Json& result) { return Outline(result); }));
  commands.push_back(RenderCommand());
  commands.push_back(MakeCommand<RepairOptions>(
      "data repair", "copy what is sound of a damaged dataset into a new one",
      [](const RepairOptions& options, CommandContext& context) -> Json {
        if (context.plan) {
          CheckOutput(Given(options.out, "repair", "out"), options.overwrite, {options.path});
          return {{"path", Given(options.path, "repair", "path")}, {"out", options.out}};
        }
        const RepairReport report =
            RepairAny(Given(options.path, "repair", "path"), Given(options.out, "repair", "out"),
                      options.overwrite, options.read, *context.progress);
        Json dropped = Json::array();
        for (const Fault& fault : report.dropped) {
          dropped.push_back(fmt::format("{}: {}", fault.place, fault.what));
        }
        Json json{{"outcome", report.outcome},
                  {"episodes_kept", report.episodes_kept},
                  {"steps_kept", report.steps_kept},
                  {"dropped", dropped}};
        if (!report.mended.empty()) json["mended"] = report.mended;
        return json;
      },
      [](const Json& result) { return Outline(result); }));
  for (Command& command : commands) {
    command.positional = {command.name == "data merge" ? "inputs" : "path"};
    if (command.name == "data convert" || command.name == "data render") {
      command.positional.push_back("out");
    }
    // what a damaged file holds is known only once it is repaired
    for (const char* rewrites :
         {"data merge", "data filter", "data relabel", "data split", "data trim"}) {
      if (command.name != rewrites) continue;
      command.run = [run = command.run](const Json& options, CommandContext& context) {
        if (context.plan) return PlanRewrite(options);
        Json result = run(options, context);
        if (options.value(ReadOptions::kSkipBad, false)) {
          for (const std::string& path : PathsOf(options)) {
            SaySkipped(*OpenDataset(path, ReadOptionsOf(options)), *context.progress, &result);
          }
        }
        return result;
      };
    }
  }
  return commands;
}

}  // namespace understudy
