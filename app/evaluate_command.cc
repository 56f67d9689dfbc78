// evaluate: a policy in closed loop, or beside recorded rows.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "app/assets.h"
#include "app/commands.h"
#include "app/describe_evaluation.h"
#include "app/evaluated_twin.h"
#include "app/evaluation_files.h"
#include "app/factors.h"
#include "app/models.h"
#include "app/page.h"
#include "app/serve_command.h"
#include "app/shipped.h"
#include "app/takeover.h"
#include "app/twin.h"
#include "app/watch.h"
#include "augment/plan.h"
#include "data/store/files.h"
#include "data/store/writer.h"
#include "data/video/module.h"
#include "train/command.h"
#include "train/evaluate/suite.h"
#include "train/run/checkpoint.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

struct EvaluateFlags {
  std::string task, robot;
  EvalCommandOptions evaluate;
  PolicyServerFlags server;
  std::string plan_file, factors;
  FactorOptions factor_rows;
  std::string suite;
  std::string compare;
  std::string out, save, report, freeze;
  // of a comparison with recorded actions
  OpenLoopOptions open_loop;
  SelectionOptions selection;
  ReadOptions read;
  WatchFlags watch;
  TakeoverFlags takeover;
  static constexpr std::array kUnwritten{"datasets",
                                         "features",
                                         "until_width",
                                         "rows",
                                         "embodiment",
                                         "selection",
                                         "save",
                                         "report",
                                         "factors",
                                         "factor_rows",
                                         "suite",
                                         "freeze",
                                         "baseline_dataset",
                                         "delay",
                                         "stitching",
                                         "ensemble_decay",
                                         "safety",
                                         "instruction",
                                         "policy_server",
                                         "policy_map",
                                         "token_file",
                                         "server_timeout",
                                         TakeoverFlags::kTakeover,
                                         TakeoverFlags::kCorrection,
                                         TakeoverFlags::kWait,
                                         ReadOptions::kOutsideLinks,
                                         ReadOptions::kQuaternions,
                                         ReadOptions::kSkipBad,
                                         ReadOptions::kMap};
  template <class V>
  void Visit(V& v) {
    v("task", task, "listed task or path of a task.yaml; empty: that of the checkpoint");
    v("robot", robot,
      "listed robot, robot+gripper, or path of a robot.yaml; empty: that of the "
      "checkpoint");
    v("checkpoint", evaluate.checkpoint,
      "run, checkpoint or pretrained_model folder; empty: the one that ships for the task");
    v("embodiment", evaluate.embodiment,
      "of a checkpoint that was trained on several; empty: the one that fits");
    v("baseline", evaluate.baseline,
      "instead of the network: hold; mean_chunk of the checkpoint; replay of a demonstration, or "
      "the actions at the row that is nearest to what is seen, of baseline_dataset");
    v("baseline_dataset", evaluate.baseline_dataset, "of the baselines replay and nearest");
    server.Visit(v);
    evaluate.eval.Visit(v);
    v("plan_file", plan_file,
      "randomizers: listed plan or path of a YAML file; every episode gets a look and a world of "
      "its own");
    v("factors", factors,
      "listed plan or path of a YAML file whose randomizers are tried one by one at several "
      "severities, in pairs and together, on the same starts");
    v("factor_rows", factor_rows, "which rows");
    v("suite", suite,
      "file of --freeze whose episodes are run: it says task, variants, starts, looks, worlds and "
      "instructions");
    v("freeze", freeze,
      "file to write instead: the episodes that these options draw, one in each line, to be shared "
      "and run again with --suite",
      kOutput);
    v("compare", compare, "report of another evaluation on the same seeds, compared in pairs");
    v("out", out, "report to write; videos go to a folder beside it", kOutput);
    v("report", report,
      "HTML page to write of factors: a heat map, every row, success by drawn value, films of "
      "failures",
      kOutput);
    v("save", save,
      "dataset to write: every rollout with states and actions, failures marked with their cause",
      kOutput);
    takeover.Visit(v);
    open_loop.Visit(v);
    v("selection", selection, "of the datasets");
    read.Visit(v);
    watch.Visit(v);
  }
};

// What an evaluation would take, in counts.
Json PlanEvaluation(const EvaluateFlags& flags, const Twin& twin, const PolicyInfo& policy,
                    bool varied) {
  const EvalOptions& eval = flags.evaluate.eval;
  const int64_t horizon = eval.horizon > 0 ? eval.horizon : twin.task.horizon;
  Json plan{{"policy", policy.name},
            {"checkpoint", flags.evaluate.checkpoint},
            {"task", twin.task.name},
            {"variant", eval.variant},
            {"seed", eval.seed},
            {"episodes", eval.episodes},
            {"starts", eval.episodes},
            {"drawn_looks", varied ? eval.episodes : 0},
            {"steps_at_most", eval.episodes * horizon},
            {"videos_at_most", flags.out.empty() ? 0 : eval.videos_success + eval.videos_failure},
            {"out", flags.out}};
  if (flags.takeover.takeover) {
    plan["takeover"] = ToJson(*flags.takeover.takeover);
    plan["corrected_steps_at_most"] =
        static_cast<double>(eval.episodes) *
        std::ceil(flags.takeover.correction.max_seconds * twin.info.control_hz);
    plan["save"] = flags.save;
  }
  return plan;
}

// A dataset for the rollouts of a policy in this twin; null where none is wanted.
std::unique_ptr<DatasetWriter> RolloutWriter(const EvaluateFlags& flags, const Twin& twin,
                                             const PolicyInfo& policy) {
  if (flags.save.empty()) return nullptr;
  const std::unique_ptr<Simulator> simulator = twin.simulators();
  DatasetHeader header;
  header.simulator = simulator->info();
  header.stage = "evaluate";
  header.model_text = simulator->ModelText();
  header.scene_files = simulator->SceneFiles();
  header.task = ToJson(twin.task);
  header.settings = {{"policy", policy.name},
                     {"weights", policy.hash},
                     {"options", ResultOptions(flags.evaluate.eval)}};
  if (flags.takeover.takeover) {
    header.settings["takeover"] = {{"device", ToJson(*flags.takeover.takeover)},
                                   {"options", ResultOptions(flags.takeover.correction)}};
  }
  SetRobotSpec(CarriedRobot(twin.robot), header);
  return std::make_unique<DatasetWriter>(flags.save, header);
}

// Writes `report` to --out with what it is to hold beside the numbers.
void WriteResult(const EvaluateFlags& flags, const Json& training, Json* report) {
  if (!training.empty()) (*report)["training"] = training;
  if (!flags.out.empty()) WriteTextAtomically(flags.out, report->dump(2) + "\n");
}

// Recorded rows instead of a simulator.
Json CompareWithDatasets(const EvaluateFlags& flags, CommandContext& context) {
  const Json older = OlderEvaluation(flags.out);
  if (!flags.out.empty() && !context.plan) TryToWrite(flags.out, "out");
  if (context.plan) {
    return {{"checkpoint", flags.evaluate.checkpoint},
            {"datasets", flags.open_loop.datasets},
            {"rows_at_most", flags.open_loop.rows},
            {"out", flags.out}};
  }
  const Json training = TrainingOf(flags.evaluate.checkpoint);
  const OpenLoopReport report =
      RunOpenLoop(flags.evaluate.checkpoint, flags.evaluate.embodiment, flags.open_loop,
                  flags.selection, flags.read, Models(), *context.progress);
  Json result = report.ToJson();
  RemoveVideos(older, flags.out);
  WriteResult(flags, training, &result);
  return result;
}

// Without a checkpoint, the one that ships for the task.
EvaluateFlags WithCheckpoint(EvaluateFlags flags, Progress& progress) {
  EvalCommandOptions& evaluate = flags.evaluate;
  const bool has_policy = !evaluate.checkpoint.empty() || StandsAlone(evaluate.baseline) ||
                          !flags.server.policy_server.empty();
  if (has_policy || flags.task.empty()) {
    return flags;
  }
  evaluate.checkpoint = ShippedCheckpoint(LoadSpecs(flags.task).task.name);
  progress.Message("evaluating the checkpoint that ships: " + evaluate.checkpoint);
  return flags;
}

// One row of a table after the other instead of one evaluation.
Json TryFactors(const EvaluateFlags& flags, const Twin& twin, const RendererFactory& renderers,
                const Policy& policy, CommandContext& context) {
  if (!flags.plan_file.empty() || !flags.compare.empty() || !flags.save.empty() ||
      flags.watch.watch) {
    ThrowUsage("factors: makes a table of its own; leave out plan_file, compare, save and watch");
  }
  AugmentPlan plan;
  ReadPlanFile(flags.factors, &plan);
  FindPictures(Pictures(), &plan);
  const SceneInventory scene = renderers()->inventory();
  const PhysicsInventory world = twin.simulators()->inventory();
  CheckPlan(plan, flags.factors, scene, world);
  // what a range becomes at a severity must be possible too, before hours of work
  std::vector<std::string> names;
  for (const auto& [name, randomizer] : plan.randomizers) names.push_back(name);
  for (const double severity : flags.factor_rows.severities) {
    CheckPlan(Chosen(plan, names, severity),
              fmt::format("{} at severity {}", flags.factors, severity), scene, world);
  }
  const Factors factors = FactorsOf(plan);
  const Json older = OlderEvaluation(flags.out);
  CheckRemade(flags.report, kPageStart, "page");
  // films lie beside the report, or beside the page where that is all
  const std::string place = flags.out.empty() ? flags.report : flags.out;
  if (context.plan) {
    const auto count = static_cast<int64_t>(factors.factors.size());
    const int64_t pairs =
        flags.factor_rows.pairs ? std::min<int64_t>(3, count * (count - 1) / 2) : 0;
    const int64_t rows = 1 + count * static_cast<int64_t>(flags.factor_rows.severities.size()) +
                         pairs + (flags.factor_rows.all ? 1 : 0) +
                         static_cast<int64_t>(flags.factor_rows.instructions.size());
    return {{"factors", count},
            {"rows_at_most", rows},
            {"episodes_at_most", rows * flags.evaluate.eval.episodes},
            {"videos_at_most", place.empty() ? 0 : count * flags.evaluate.eval.videos_failure},
            {"out", flags.out},
            {"report", flags.report}};
  }
  for (const std::string& file : {flags.out, flags.report}) {
    if (!file.empty()) TryToWrite(file, file == flags.out ? "out" : "report");
  }
  const Json training = TrainingOf(flags.evaluate.checkpoint);
  const auto file_of = [&](const std::string& factor, int64_t episode) {
    const auto number = std::find(names.begin(), names.end(), factor) - names.begin();
    return FactorVideoFile(place, static_cast<size_t>(number), episode);
  };
  bool removed = false;
  FactorSink sink;
  if (!place.empty() && flags.evaluate.eval.videos_failure > 0 && HasModule(VideoModule::kName)) {
    sink = [&](const std::string& factor, int64_t episode, const auto& cameras, double control_hz) {
      if (!std::exchange(removed, true)) RemoveVideos(older, flags.out);
      const fs::path file = file_of(factor, episode);
      fs::create_directories(file.parent_path());
      return Module<VideoModule>().make_sink(file, cameras.size(), control_hz, {});
    };
  }
  const FactorReport report =
      EvaluateFactors(policy, twin.simulators, renderers, flags.evaluate.eval, flags.factor_rows,
                      factors, *context.progress, sink);
  if (!removed) RemoveVideos(older, flags.out);
  Json result = report.ToJson();
  result["videos"] = Json::array();
  for (const FactorFilm& film : report.films) {
    const fs::path file = file_of(film.factor, film.episode);
    if (!fs::exists(file)) continue;
    result["videos"].push_back({{"file", file.string()},
                                {"factor", film.factor},
                                {"severity", film.severity},
                                {"episode", film.episode},
                                {"success", false},
                                {"cause", film.cause}});
  }
  if (!flags.evaluate.checkpoint.empty()) {
    const Json draws = LoadTrainingRun(flags.evaluate.checkpoint).value("draws", Json());
    result["seen_in_training"] =
        draws.is_null() ? Json()
                        : SeenInTraining(plan, flags.factor_rows.severities, scene, world,
                                         DrawnRanges(draws, flags.evaluate.checkpoint));
  }
  WriteResult(flags, training, &result);
  if (!flags.report.empty()) WriteTextAtomically(flags.report, FactorPage(result));
  return result;
}

// Throws Error(kUsage) that names the options which are said and must not be.
void LeaveOut(const std::string& why, const std::vector<std::pair<const char*, bool>>& options) {
  std::vector<std::string> said;
  for (const auto& [name, is_said] : options) {
    if (is_said) said.push_back(name);
  }
  if (!said.empty()) ThrowUsage(fmt::format("{}: leave out {}", why, fmt::join(said, ", ")));
}

// What neither a suite nor the writing of one can be said beside.
void CheckSuiteFlags(const EvaluateFlags& flags) {
  const EvalOptions &eval = flags.evaluate.eval, nothing;
  if (!flags.suite.empty()) {
    LeaveOut("suite: it says what is run", {{"plan_file", !flags.plan_file.empty()},
                                            {"factors", !flags.factors.empty()},
                                            {"freeze", !flags.freeze.empty()},
                                            {"datasets", !flags.open_loop.datasets.empty()},
                                            {"variant", eval.variant != nothing.variant},
                                            {"episodes", eval.episodes != nothing.episodes},
                                            {"seed", eval.seed != nothing.seed},
                                            {"horizon", eval.horizon != nothing.horizon},
                                            {"instruction", eval.instruction.has_value()}});
  }
  if (!flags.freeze.empty()) {
    LeaveOut("freeze: it runs nothing", {{"factors", !flags.factors.empty()},
                                         {"datasets", !flags.open_loop.datasets.empty()},
                                         {"out", !flags.out.empty()},
                                         {"report", !flags.report.empty()},
                                         {"save", !flags.save.empty()},
                                         {"compare", !flags.compare.empty()},
                                         {"watch", flags.watch.watch}});
  }
}

// What cannot be said beside a takeover, and what must.
void CheckTakeoverFlags(const EvaluateFlags& flags) {
  if (!flags.takeover.takeover) return;
  LeaveOut("takeover: a person is at one episode after the other",
           {{"factors", !flags.factors.empty()},
            {"freeze", !flags.freeze.empty()},
            {"datasets", !flags.open_loop.datasets.empty()},
            {"until_width", flags.evaluate.eval.until_width > 0}});
  if (flags.save.empty()) ThrowUsage("takeover: name the dataset of the corrections: --save FILE");
}

// The suite of the command, none where there is none. Puts what it says into the options.
std::optional<Suite> OpenSuite(EvaluateFlags* flags) {
  if (flags->suite.empty()) return std::nullopt;
  const EvalOptions& eval = flags->evaluate.eval;
  Suite suite = ReadSuite(LoadJson(flags->suite), flags->suite);
  for (SuiteEpisode& episode : suite.episodes) ProvidePictures(Pictures(), &episode.look);
  flags->evaluate.eval = OptionsOf(suite, eval);
  const bool of_checkpoint = !flags->evaluate.checkpoint.empty();
  if (flags->task.empty() && !of_checkpoint) flags->task = suite.task;
  return suite;
}

// Writes the episodes down instead of running them.
Json Freeze(const EvaluateFlags& flags, const Twin& twin, const RendererFactory& renderers,
            const Variations& vary, CommandContext& context) {
  Json result{{"suite", flags.freeze}, {"task", twin.task.name}};
  OlderReport(flags.freeze, "freeze", "suite",
              [&](const Json& suite) { ReadSuite(suite, flags.freeze); });
  if (context.plan) {
    result["episodes"] = flags.evaluate.eval.episodes;
    return result;
  }
  TryToWrite(flags.freeze, "freeze");
  const Suite suite =
      FreezeSuite(twin.simulators, renderers, flags.evaluate.eval, vary, *context.progress);
  result["interrupted"] = InterruptRequested();
  if (InterruptRequested()) return result;
  WriteTextAtomically(flags.freeze, suite.ToText());
  result["episodes"] = suite.episodes.size();
  result["hash"] = suite.Hash();
  return result;
}

Json EvaluateWith(EvaluateFlags given, CommandContext& context) {
  CheckSuiteFlags(given);
  CheckTakeoverFlags(given);
  if (!given.open_loop.datasets.empty()) return CompareWithDatasets(given, context);
  const std::optional<Suite> suite = OpenSuite(&given);
  const EvaluateFlags flags =
      given.freeze.empty() ? WithCheckpoint(given, *context.progress) : given;
  if (!flags.server.policy_server.empty() &&
      (!flags.evaluate.checkpoint.empty() || flags.evaluate.baseline != BaselinePolicy::kNone)) {
    ThrowUsage("evaluate: a checkpoint or a baseline, or --policy-server: one of them");
  }
  if (flags.server.policy_server.empty() && !flags.server.policy_map.empty()) {
    ThrowUsage("evaluate: --policy-map is of --policy-server");
  }
  Twin twin = TwinOfEvaluation(flags.evaluate, flags.task, flags.robot);
  const RendererFactory renderers = twin.renderers_with(flags.evaluate.eval.render);
  AugmentPlan plan;
  ReadPlanFile(flags.plan_file, &plan);
  FindPictures(Pictures(), &plan);
  if (!plan.randomizers.empty()) {
    CheckPlan(plan, flags.plan_file, renderers()->inventory(), twin.simulators()->inventory());
  }
  if (suite) CheckSuite(*suite, flags.suite, twin.simulators, renderers, *context.progress);
  if (!flags.freeze.empty()) {
    return Freeze(flags, twin, renderers, VariationsOf(plan), context);
  }
  const std::unique_ptr<Policy> policy =
      flags.server.policy_server.empty()
          ? MakePolicy(flags.evaluate, twin.info, Models(), *context.progress)
          : PolicyOfServer(flags.server, twin.info);
  if (!flags.factors.empty()) return TryFactors(flags, twin, renderers, *policy, context);
  if (!flags.report.empty()) ThrowUsage("report: is a page of factors: name a plan with --factors");
  // hours of work end in these
  if (!flags.out.empty() && !context.plan) TryToWrite(flags.out, "out");
  Json older = OlderEvaluation(flags.out);
  if (context.plan) {
    return PlanEvaluation(flags, twin, policy->info(), !plan.randomizers.empty());
  }
  const Json training = TrainingOf(flags.evaluate.checkpoint);
  std::optional<EvalReport> other;
  if (!flags.compare.empty()) other = ReadEvalReport(LoadJson(flags.compare), flags.compare);
  const std::unique_ptr<DatasetWriter> saved = RolloutWriter(flags, twin, policy->info());
  EpisodeSink save;
  if (saved) save = [&](const Episode& episode) { saved->Append(episode); };
  const std::unique_ptr<PersonBeside> person =
      flags.takeover.takeover ? OpenPerson(flags.takeover, twin, flags.watch, *context.progress)
                              : nullptr;
  BrowserLink* const link = person ? person->link() : nullptr;
  Variations vary = VariationsOf(plan);
  if (vary.look && (flags.watch.watch || link)) {
    vary.look = [draw = vary.look, link](const SceneInventory& scene, const RngKey& key) {
      SceneVariation look = draw(scene, key);
      if (link) link->Look(look);
      SetWatchedLook(look);
      return look;
    };
  }
  const auto forget_older = [&] { RemoveVideos(std::exchange(older, nullptr), flags.out); };
  std::set<int64_t> filmed;
  const auto film = [&](int64_t episode) {
    forget_older();
    filmed.insert(episode);
  };
  const std::unique_ptr<BrowserLink> watched =
      link ? nullptr
           : WatchStage(flags.watch, "evaluating " + policy->info().name, &twin, *context.progress);
  const EvalReport report =
      Evaluate(*policy, twin.simulators, renderers, flags.evaluate.eval, vary,
               VideoSinks(flags.out, flags.evaluate.eval, film), *context.progress, save,
               suite ? &*suite : nullptr, person ? &person->takeover() : nullptr);
  forget_older();
  if (saved) saved->Finish();

  Json result = report.ToJson();
  result["videos"] = Json::array();
  for (const EvalEpisode& episode : report.episodes) {
    const fs::path file = VideoFile(flags.out, episode.index);
    if (!filmed.contains(episode.index) || !fs::exists(file)) continue;
    result["videos"].push_back({{"file", file.string()},
                                {"episode", episode.index},
                                {"success", episode.success},
                                {"cause", episode.cause}});
  }
  if (other) result["paired"] = ComparePaired(report, *other);
  WriteResult(flags, training, &result);
  // the table of episodes is in the file; the pipeline's state needs the sums
  return result;
}

}  // namespace

Command EvaluateCommand() {
  Command command = MakeCommand<EvaluateFlags>(
      "evaluate", "try a policy in closed loop on pinned seeds, or on recorded rows", EvaluateWith,
      DescribeEvaluation);
  command.positional = {"checkpoint"};
  return command;
}

}  // namespace understudy
