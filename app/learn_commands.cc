// train and evaluate.
#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "app/commands.h"
#include "app/twin.h"
#include "augment/plan.h"
#include "data/store/files.h"
#include "train/command.h"
#ifdef WITH_TORCH
#include "train/policies/groot/groot.h"
#endif
#ifdef WITH_VIDEO
#include "data/video/video_writer.h"
#endif

namespace understudy {
namespace {

namespace fs = std::filesystem;

#ifndef WITH_TORCH
[[noreturn]] void NoTorch() {
  ThrowUsage(
      "this program was built without LibTorch, which training and policies need: run "
      "`make setup`, then configure with -DWITH_TORCH=ON and build again");
}
#endif

EngineFactory Engines() {
  return [](const SampleLayout& layout, int vocabulary, const Json& policy,
            const Json& trainer) -> std::unique_ptr<UpdateEngine> {
#ifdef WITH_TORCH
    return MakeGrootEngine(layout, vocabulary, policy, trainer);
#else
    (void)layout, (void)vocabulary, (void)policy, (void)trainer;
    NoTorch();
#endif
  };
}

ChunkModelFactory Models() {
  return [](const SampleLayout& layout, const Json& config,
            const TensorMap& weights) -> std::unique_ptr<ChunkModel> {
#ifdef WITH_TORCH
    return MakeGrootChunkModel(layout, config, weights);
#else
    (void)layout, (void)config, (void)weights;
    NoTorch();
#endif
  };
}

struct EvaluateFlags {
  std::string task, robot;
  EvalCommandOptions evaluate;
  std::string plan_file;
  std::string compare;
  std::string out;
  template <class V>
  void Visit(V& v) {
    v("task", task, "listed task or path of a task.yaml");
    v("robot", robot, "listed robot, robot+gripper, or path of a robot.yaml; empty: the task's");
    v("checkpoint", evaluate.checkpoint, "run, checkpoint or pretrained_model folder");
    v("baseline", evaluate.baseline,
      "instead of the network: hold, or mean_chunk of the checkpoint");
    evaluate.eval.Visit(v);
    v("plan_file", plan_file, "YAML file of randomizers: every episode gets a look of its own");
    v("compare", compare, "report of another evaluation on the same seeds, compared in pairs");
    v("out", out, "report to write; videos go to a folder beside it");
  }
};

// <out without .json>_videos/episode_<i>.mp4
[[maybe_unused]] fs::path VideoFile(const std::string& out, int64_t episode) {
  fs::path folder = out;
  folder.replace_extension();
  return fs::path(folder.string() + "_videos") / fmt::format("episode_{:04}.mp4", episode);
}

SinkFactory VideoSinks(const std::string& out, const EvalOptions& options) {
#ifdef WITH_VIDEO
  if (out.empty() || options.videos_success + options.videos_failure == 0) return {};
  return [out](int64_t episode, bool, const std::vector<std::string>& cameras,
               double control_hz) -> std::unique_ptr<FrameSink> {
    const fs::path file = VideoFile(out, episode);
    fs::create_directories(file.parent_path());
    return MakeVideoSink(file, cameras.size(), control_hz);
  };
#else
  (void)out, (void)options;
  return {};
#endif
}

Json EvaluateWith(const EvaluateFlags& flags, CommandContext& context) {
  const Twin twin = LoadTwin(flags.task, flags.robot);
  AugmentPlan plan;
  ReadPlanFile(flags.plan_file, &plan);
  if (!plan.randomizers.empty()) {
    const Problems problems = Validate(plan, twin.renderers()->inventory());
    if (!problems.empty()) {
      ThrowBadInput(fmt::format("{}: {}", flags.plan_file, fmt::join(problems, "; ")));
    }
  }
  const std::unique_ptr<Policy> policy = MakePolicy(flags.evaluate, twin.info, Models());
  if (context.plan) {
    return {{"episodes", flags.evaluate.eval.episodes},
            {"policy", policy->info().name},
            {"checkpoint", flags.evaluate.checkpoint}};
  }
  // hours of work end in these
  if (!flags.out.empty()) TryToWrite(flags.out, "out");
  std::optional<EvalReport> other;
  if (!flags.compare.empty()) other = ReadEvalReport(LoadJson(flags.compare), flags.compare);
  VaryFunction vary;
  if (!plan.randomizers.empty()) {
    vary = [&plan](const SceneInventory& scene, const RngKey& key) {
      return Draw(plan, scene, key);
    };
  }
  const EvalReport report =
      Evaluate(*policy, twin.simulators, twin.renderers, flags.evaluate.eval, vary,
               VideoSinks(flags.out, flags.evaluate.eval), *context.progress);

  Json result = report.ToJson();
  result["videos"] = Json::array();
  for (const EvalEpisode& episode : report.episodes) {
    const fs::path file = VideoFile(flags.out, episode.index);
    if (flags.out.empty() || !fs::exists(file)) continue;
    result["videos"].push_back({{"file", file.string()},
                                {"episode", episode.index},
                                {"success", episode.success},
                                {"cause", episode.cause}});
  }
  if (other) result["paired"] = ComparePaired(report, *other);
  if (!flags.out.empty()) WriteTextAtomically(flags.out, result.dump(2) + "\n");
  // the table of episodes is in the file; the pipeline's state needs the sums
  return result;
}

std::string DescribeEvaluation(const Json& result) {
  std::string text = fmt::format(
      "{} of {} episodes succeeded: {:.1f} % [{:.1f} %, {:.1f} %]\n", result.value("successes", 0),
      result.value("episodes", 0),
      100.0 * result.value("successes", 0) / std::max(1, result.value("episodes", 0)),
      100 * result["interval"][0].get<double>(), 100 * result["interval"][1].get<double>());
  const Json causes = result.value("causes", Json::object());
  for (const auto& [cause, count] : causes.items()) {
    text += fmt::format("  {}: {}\n", cause, count.dump());
  }
  for (const Json& warning : result.value("warnings", Json::array())) {
    text += fmt::format("warning: {}\n", warning.get<std::string>());
  }
  return text;
}

}  // namespace

Command TrainCommand() {
  Command command =
      MakeCommand<TrainOptions>("train", "train a policy on rendered datasets",
                                [](const TrainOptions& options, CommandContext& context) -> Json {
                                  if (context.plan) return PlanTrain(options, *context.progress);
                                  return RunTrain(options, Engines(), *context.progress).ToJson();
                                });
  command.positional = {"datasets"};
  return command;
}

Command EvaluateCommand() {
  Command command = MakeCommand<EvaluateFlags>(
      "evaluate", "try a policy in closed loop on pinned seeds", EvaluateWith, DescribeEvaluation);
  command.positional = {"checkpoint"};
  return command;
}

}  // namespace understudy
