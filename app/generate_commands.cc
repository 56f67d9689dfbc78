// mimic and augment: datasets from datasets.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "app/assets.h"
#include "app/commands.h"
#include "app/factors.h"
#include "app/joint_robot.h"
#include "app/mimic_report.h"
#include "app/page.h"
#include "app/sample_videos.h"
#include "app/shipped.h"
#include "app/twin.h"
#include "app/watch.h"
#include "augment/command.h"
#include "augment/maps.h"
#include "core/base/shard.h"
#include "core/seam/dataset_header.h"
#include "data/formats/base/translate.h"
#include "data/formats/formats.h"
#include "data/store/files.h"
#include "data/video/module.h"
#include "mimic/command.h"

namespace understudy {
namespace {

constexpr const char* kLeaveOut = "leave_out";

template <class V>
void VisitSources(V& v, MimicOptions& mimic) {
  v("source", mimic.sources, "datasets of demonstrations", kRequired);
  v("source_mask", mimic.source_mask, "only episodes of this mask; empty: all");
  v("source_limit", mimic.source_limit, "at most so many demonstrations; 0: all", Limits{0, 1e9});
  v(kLeaveOut, mimic.leave_out,
    "sources not to use: demo_3, or s.h5:demo_3 where several files have one");
  mimic.read.Visit(v);
  v("debounce", mimic.debounce, "steps that a signal must stay to end a subtask", Limits{1, 1000});
}

// MimicOptions with the task, flat: `understudy mimic --source F --task stack --demos 100 --out F`.
struct MimicFlags {
  // same settings, same text
  static constexpr std::array kUnwritten{kLeaveOut,      "plan_file",         "world_plan",
                                         "action_noise", "noise_correlation", "held_share"};
  std::string task, robot, subtasks, plan_file;
  std::optional<Transit> transit;  // takes the place of every subtask's; unset: as it says
  double start_shift = 0, start_turn = 0;
  std::optional<double> action_noise, noise_correlation;  // likewise
  double held_share = 1;
  MimicOptions mimic;
  std::string report;
  WatchFlags watch;
  template <class V>
  void Visit(V& v) {
    v("task", task, "listed task or path of a task.yaml; empty: the sources' own");
    v("robot", robot,
      "listed robot, robot+gripper, or path of a robot.yaml that follows the sources' hands, and "
      "whose joints they hold if they hold no poses and name no robot; empty: their own");
    v("subtasks", subtasks,
      "file of subtask settings read over the task's, as `mimic tune` writes");
    v("plan_file", plan_file,
      "randomizers: listed plan or path of a YAML file; every attempt is made in a world of its "
      "own, "
      "which those that are not label-safe draw (augment draws the looks)");
    VisitSources(v, mimic);
    v("transit", transit, "bridge or plan, for every subtask; unset: as the task says");
    v("start_shift", start_shift, "m, of every subtask; 0: as the task says", Limits{0, 1});
    v("start_turn", start_turn, "rad, of every subtask; 0: as the task says",
      Limits{0, 3.1415926536});
    v("action_noise", action_noise,
      "standard deviation of the normalised action, of every subtask; unset: as the task says",
      Limits{0, 1});
    v("noise_correlation", noise_correlation,
      "of a step's noise with the next one's, of every subtask: with more of it the hand wanders "
      "instead of shaking; unset: as the task says",
      Limits{0, 0.999});
    v("held_share", held_share,
      "of start_shift, start_turn and action_noise, where what is held has to follow the source's "
      "path (replay: held): a nut over a peg leaves less room than the way to it",
      Limits{0, 1});
    mimic.run.Visit(v);
    v("out", mimic.out, "dataset to write", kRequired, kOutput);
    v("overwrite", mimic.overwrite, "replace it where it exists", Effect::kPlace);
    v("resume", mimic.resume, "resume an unfinished run of equal settings", Effect::kPlace);
    v("report", report, "HTML page to write: rates, causes, coverage, videos; empty: none",
      kOutput);
    watch.Visit(v);
  }
};

struct TuneFlags {
  static constexpr std::array kUnwritten{kLeaveOut};
  std::string task, robot, subtasks, out;
  MimicOptions mimic;
  TuneOptions tune;
  template <class V>
  void Visit(V& v) {
    v("task", task, "listed task or path of a task.yaml; empty: the sources' own");
    v("robot", robot,
      "listed robot, robot+gripper, or path of a robot.yaml; empty: the sources' own");
    v("subtasks", subtasks, "file of subtask settings to begin with; empty: the task's");
    VisitSources(v, mimic);
    tune.Visit(v);
    v("generate", mimic.run.generate, "how attempts are executed");
    v("out", out, "file to write the settings to: for `mimic --subtasks`", kRequired, kOutput);
  }
};

struct AugmentFlags {
  static constexpr std::array kUnwritten{"preview", "looks_only"};  // same settings, same text
  std::string task, robot, plan_file, preview;
  AugmentOptions augment;
  template <class V>
  void Visit(V& v) {
    v("task", task, "listed task or path of a task.yaml; empty: the inputs' own");
    v("robot", robot,
      "listed robot, robot+gripper, or path of a robot.yaml; empty: the inputs' own");
    v("plan_file", plan_file, "randomizers: listed plan or path of a YAML file");
    v("preview", preview,
      "PNG file to write: twelve drawn looks of each camera side by side, with --plan too; without "
      "--out nothing else is made",
      kOutput);
    augment.Visit(v);
  }
};

struct RenderFlags {
  std::string task, robot;
  MapOptions maps;
  template <class V>
  void Visit(V& v) {
    maps.Visit(v);
    v("task", task, "listed task or path of a task.yaml; empty: the dataset's own");
    v("robot", robot,
      "listed robot, robot+gripper, or path of a robot.yaml; empty: the dataset's own");
  }
};

// The first of some datasets; null if there is none and `task` says what they would be of.
std::unique_ptr<EpisodeSource> FirstOf(const std::vector<std::string>& datasets,
                                       const std::string& task, const ReadOptions& read,
                                       const char* field) {
  if (!datasets.empty()) return OpenDataset(datasets[0], read);
  if (task.empty()) ThrowUsage(fmt::format("{}: name at least one dataset", field));
  return nullptr;
}

// What the sources of `options` are generated for. `robot`, where it is given and another than
// theirs, follows their hands.
Twin TwinOfSources(const std::string& task, const std::string& robot, const std::string& subtasks,
                   MimicOptions* options, Progress& progress) {
  options->read.joint_robot = JointRobotFor(task, robot);
  const auto source = FirstOf(options->sources, task, options->read, "source");
  if (source) SayPosesOfJoints(*source, progress);
  const Twin twin = source
                        ? LoadTwinOf(*source, task, RobotOfJoints(*source, task, robot), subtasks)
                        : LoadTwin(task, robot, subtasks);
  // flags add to the file
  for (const std::string& name : ReadLeaveOut(subtasks)) {
    if (std::ranges::find(options->leave_out, name) == options->leave_out.end()) {
      options->leave_out.push_back(name);
    }
  }
  options->transfer = !robot.empty() && (!source || !source->header().family.empty() ||
                                         source->header().simulator.robot != twin.robot.name);
  return twin;
}

// Where the states of the inputs can be rendered.
Twin TwinOfInputs(const AugmentFlags& flags) {
  const auto input = FirstOf(flags.augment.inputs, flags.task, flags.augment.read, "inputs");
  if (!input) return LoadTwin(flags.task, flags.robot);
  const DatasetHeader& header = input->header();
  const Twin twin = LoadTwinOf(*input, flags.task, flags.robot);
  if (header.has_states() && header.simulator.robot != twin.robot.name) {
    ThrowBadInput(fmt::format("{}: holds states of robot '{}', which --robot ('{}') cannot show",
                              input->path().string(), header.simulator.robot, twin.robot.name));
  }
  return twin;
}

// Sources of other programs, in our names and frames.
AdaptSource Adapter(const Twin& twin) {
  return [&twin](const EpisodeSource& reader, Episode* episode) {
    const std::string family = reader.header().family;
    if (!family.empty()) Translation(family, &twin.task, &twin.robot).ToOurs(episode);
  };
}

// Parts of a run get names of their own: for the dataset,
std::filesystem::path OutputOf(const MimicOptions& options) {
  return ParseShard(options.run.shard).Output(options.out);
}

// and for the page; empty: none.
std::filesystem::path PageOf(const MimicFlags& flags) {
  if (flags.report.empty()) return {};
  return ParseShard(flags.mimic.run.shard).Output(flags.report);
}

// PageOf, where it can be written. Throws Error(kUsage) where it cannot, or would replace another
// file than a page.
std::filesystem::path PageFile(const MimicFlags& flags) {
  const std::filesystem::path page = PageOf(flags);
  if (page.empty()) return page;
  if (page == OutputOf(flags.mimic)) {
    ThrowUsage(fmt::format("report: '{}' is the dataset's name (--out): name another file",
                           page.string()));
  }
  TryToWrite(page, "report");
  // a page may be written anew; nothing else is lost to one
  CheckRemade(page, kPageStart, "page");
  return page;
}

// What the flags say of all subtasks of the task.
void ChangeSubtasks(const MimicFlags& flags, TaskSpec* task) {
  for (Subtask& subtask : task->subtasks) {
    if (flags.transit) subtask.transit = *flags.transit;
    const double share = subtask.replay == Replayed::kHeld ? flags.held_share : 1;
    if (flags.start_shift > 0) subtask.start_shift = share * flags.start_shift;
    if (flags.start_turn > 0) subtask.start_turn = share * flags.start_turn;
    if (flags.action_noise) subtask.action_noise = share * *flags.action_noise;
    if (flags.noise_correlation) subtask.noise_correlation = *flags.noise_correlation;
  }
}

// What draws the worlds of attempts, by a plan file or the plan in the options; empty: none.
DrawWorld WorldOf(const std::string& file, const Twin& twin, MimicOptions* options) {
  AugmentPlan plan;
  if (options->run.world_plan.is_object()) {
    plan = FromJson<AugmentPlan>(options->run.world_plan, "world_plan");
  }
  ReadPlanFile(file, &plan);
  if (plan.randomizers.empty()) return {};
  // pictures are rendered later, from what is stored
  plan = Part(plan, false);
  if (plan.randomizers.empty()) {
    ThrowUsage(fmt::format(
        "plan_file: {} varies looks alone, and attempts are made without pictures: give it to "
        "`understudy augment`, which draws them from stored states",
        file));
  }
  const Problems problems = Validate(plan, twin.simulators()->inventory());
  if (!problems.empty()) ThrowBadInput(fmt::format("{}: {}", file, fmt::join(problems, "; ")));
  options->run.world_plan = ToJson(plan);
  return VariationsOf(plan).world;
}

std::string DescribeMimic(const Json& result) {
  std::string text = fmt::format("{} of {} attempts succeeded", result.value("successes", 0),
                                 result.value("attempts", 0));
  if (result.contains("rate")) {
    const auto& interval = result["interval"];
    text += fmt::format(": {:.1f} % [{:.1f} %, {:.1f} %]", 100 * result["rate"].get<double>(),
                        100 * interval[0].get<double>(), 100 * interval[1].get<double>());
  }
  text += "\n" + result.value("out", std::string()) + "\n";
  if (result.value("interrupted", false)) text += result.value("stop_reason", "") + "\n";
  if (result.contains("failures")) {
    for (const auto& [cause, per_subtask] : result["failures"].items()) {
      text += fmt::format("  {}: {}\n", cause, per_subtask.dump());
    }
  }
  if (result.contains("suggestions")) {
    for (const Json& line : result["suggestions"]) {
      text += "  suggestion: " + line.get<std::string>() + "\n";
    }
  }
  if (result.contains("speed")) text += result["speed"].dump(2) + "\n";
  return text;
}

std::string RateText(const Json& rate) {
  return fmt::format("{:.1f} % [{:.1f}, {:.1f}] of {}", 100 * rate["rate"].get<double>(),
                     100 * rate["interval"][0].get<double>(),
                     100 * rate["interval"][1].get<double>(), rate["attempts"].get<int64_t>());
}

// How a file of settings that a search has found begins.
constexpr std::string_view kTunedStart = "# `understudy mimic tune`";

// How every PNG file begins.
constexpr std::string_view kPngStart = "\x89PNG\r\n\x1a\n";

// What stands above the settings in the file.
std::string TunedComment(const TuneReport& report) {
  const Json json = report.ToJson();
  std::string text = fmt::format("{} of {} {}: {} before, {} after{}\n", kTunedStart, report.task,
                                 report.variant, RateText(json["before"]), RateText(json["after"]),
                                 report.better ? "" : " (not surely better)");
  for (const std::string& change : report.changes) text += "# " + change + "\n";
  return text;
}

std::string DescribeTune(const Json& result) {
  std::string text;
  for (const Json& trial : result["trials"]) {
    text += fmt::format(
        "  {} {}: {} gained, {} lost\n", trial["kept"].get<bool>() ? "kept" : "left",
        trial["change"].get<std::string>(), trial["gained"].get<int>(), trial["lost"].get<int>());
  }
  text += fmt::format("on starts that the search did not see: {} before, {} after{}\n",
                      RateText(result["before"]), RateText(result["after"]),
                      result["better"].get<bool>() ? "" : ": not surely better");
  if (!result["leave_out"].empty()) {
    text += fmt::format("without these sources: {}\n",
                        fmt::join(result["leave_out"].get<std::vector<std::string>>(), ", "));
  }
  if (result["interrupted"].get<bool>()) return text + "interrupted: nothing written\n";
  return text + fmt::format("{}: use it with `understudy mimic --subtasks {}`\n",
                            result["out"].get<std::string>(), result["out"].get<std::string>());
}

}  // namespace

void ReadPlanFile(const std::string& file, AugmentPlan* plan) {
  if (file.empty()) return;
  const std::string found = FindShipped(ShippedKind::kPlan, file);
  *plan = FromJson<AugmentPlan>(LoadYaml(found), found, *plan);
}

Command MimicCommand() {
  Command command = MakeCommand<MimicFlags>(
      "mimic", "multiply demonstrations: object-frame generation on every core",
      [](const MimicFlags& flags, CommandContext& context) -> Json {
        MimicOptions options = flags.mimic;
        Twin twin =
            TwinOfSources(flags.task, flags.robot, flags.subtasks, &options, *context.progress);
        ChangeSubtasks(flags, &twin.task);
        const DrawWorld world = WorldOf(flags.plan_file, twin, &options);
        WorkerSeams seams(twin.simulators, twin.planners, DescribeRobot(twin.robot));
        seams.world = world;
        if (context.plan) {
          if (!options.out.empty()) {
            CheckOutput(OutputOf(options), options.overwrite,
                        {options.sources.begin(), options.sources.end()});
          }
          return PlanMimic(options, twin.task, seams, Adapter(twin)).ToJson();
        }
        const std::filesystem::path page = PageFile(flags);
        Twin shown = twin;
        const std::unique_ptr<BrowserLink> watched =
            WatchStage(flags.watch, "generating " + twin.task.name, &shown, *context.progress);
        WorkerSeams shown_seams(shown.simulators, twin.planners, DescribeRobot(twin.robot));
        shown_seams.world = world;
        const MimicReport report =
            RunMimic(options, twin.task, shown_seams, *context.progress, Adapter(twin));
        if (!page.empty() && !report.interrupted) {
          const SampleVideos samples =
              FilmSamples(report, options, twin.task, seams, twin.renderers, Adapter(twin));
          WriteTextAtomically(page, MimicPage(report.ToJson(), ToJson(twin.task), ToJson(flags),
                                              twin.info.control_hz, samples));
          context.progress->Message(fmt::format("report: {}", page.string()));
        }
        Json result{{"out", ParseShard(options.run.shard).Output(options.out).string()}};
        result.update(report.ToJson());
        return result;
      },
      DescribeMimic);
  command.positional = {"source"};
  // parts of one run may be made at the same time
  command.writes = [](const Json& json) -> std::vector<std::string> {
    const MimicFlags flags = FromJson<MimicFlags>(json, "mimic");
    std::vector<std::string> written;
    if (!flags.mimic.out.empty()) written.push_back(OutputOf(flags.mimic).string());
    // PageFile refuses a page of the dataset's name
    const std::string page = PageOf(flags).string();
    if (!page.empty() && !std::ranges::count(written, page)) written.push_back(page);
    return written;
  };
  return command;
}

Command TuneCommand() {
  Command command = MakeCommand<TuneFlags>(
      "mimic tune", "search the settings of a task's subtasks for a higher rate of success",
      [](const TuneFlags& flags, CommandContext& context) -> Json {
        if (flags.out.empty()) ThrowUsage("no file for the settings: give one (--out)");
        if (!context.plan) TryToWrite(flags.out, "out");
        CheckRemade(flags.out, kTunedStart, "file of tuned settings");
        MimicOptions options = flags.mimic;
        const Twin twin =
            TwinOfSources(flags.task, flags.robot, flags.subtasks, &options, *context.progress);
        if (context.plan) return {{"attempts_at_most", flags.tune.attempts_at_most()}};
        const WorkerSeams seams(twin.simulators, twin.planners);
        const TuneReport report =
            TuneMimic(options, flags.tune, twin.task, seams, *context.progress, Adapter(twin));
        // what it searched without, and what it found to do without
        std::vector<std::string> leave_out = options.leave_out;
        leave_out.insert(leave_out.end(), report.leave_out.begin(), report.leave_out.end());
        if (!report.interrupted) {
          WriteTextAtomically(
              flags.out, TunedComment(report) + DumpYaml(SubtasksFile(report.subtasks, leave_out)));
        }
        Json result = report.ToJson();
        result["out"] = flags.out;
        return result;
      },
      DescribeTune);
  command.positional = {"source"};
  return command;
}

Command AugmentCommand() {
  Command command = MakeCommand<AugmentFlags>(
      "augment", "render stored states under drawn lights, materials, textures and cameras",
      [](const AugmentFlags& flags, CommandContext& context) -> Json {
        const Twin twin = TwinOfInputs(flags);
        AugmentOptions options = flags.augment;
        ReadPlanFile(flags.plan_file, &options.plan);
        FindPictures(Pictures(), &options.plan);
        const RendererFactory renderers = twin.renderers_with(options.render);
        CheckRemade(flags.preview, kPngStart, "picture");
        if (!flags.preview.empty()) {
          TryToWrite(flags.preview, "preview");
          const Image sheet = ContactSheet(options, renderers);
          const std::vector<uint8_t> png = Module<VideoModule>().encode_png(sheet);
          WriteTextAtomically(flags.preview, std::string(png.begin(), png.end()));
          if (options.out.empty() && !context.plan) return {{"preview", flags.preview}};
        }
        if (context.plan) {
          if (!options.out.empty()) {
            CheckOutput(options.out, options.overwrite,
                        {options.inputs.begin(), options.inputs.end()});
          }
          return PlanAugment(options, renderers);
        }
        return RunAugment(options, renderers, *context.progress).ToJson();
      },
      [](const Json& result) {
        if (result.contains("preview")) return result["preview"].get<std::string>() + "\n";
        return fmt::format("{} episodes, {} frames, {:.0f} frames/s\n", result["episodes"].dump(),
                           result["frames"].dump(), result["frames_per_second"].get<double>());
      });
  command.positional = {"inputs"};
  return command;
}

Command RenderCommand() {
  return MakeCommand<RenderFlags>(
      "data render",
      "colours, depth and segmentation of stored states, as arrays of NumPy with the cameras' "
      "poses",
      [](const RenderFlags& flags, CommandContext& context) -> Json {
        if (flags.maps.path.empty()) ThrowUsage("data render: path: name a dataset");
        if (flags.maps.out.empty()) ThrowUsage("data render: out: name a folder to write");
        const auto input = OpenDataset(flags.maps.path, flags.maps.read);
        const Twin twin = LoadTwinOf(*input, flags.task, flags.robot);
        if (context.plan) {
          return {{"episodes", input->episodes().size()}, {"out", flags.maps.out}};
        }
        Json result{{"out", flags.maps.out}};
        result.update(
            RenderMaps(flags.maps, twin.renderers_with(flags.maps.render), *context.progress)
                .ToJson());
        return result;
      },
      [](const Json& result) {
        return fmt::format("{}: {} episodes, {} pictures\n", result["out"].get<std::string>(),
                           result["episodes"].dump(), result["pictures"].dump());
      });
}

}  // namespace understudy
