#include "train/command.h"

#include "core/base/error.h"
#include "train/evaluate/baselines.h"
#include "train/evaluate/checkpoint_policy.h"
#include "train/policies/policies.h"
#include "train/run/checkpoint.h"
#include "train/run/trainer_options.h"

namespace understudy {
namespace {

// Options of network and trainer with all defaults, and every violation of the options.
struct ResolvedTraining {
  Json policy, trainer;
  Problems problems;
};

ResolvedTraining ResolveTraining(const TrainOptions& options) {
  ResolvedTraining resolved;
  resolved.problems = Validate(options);
  if (const PolicyType* type = FindPolicyType(options.type)) {
    try {
      resolved.policy = type->resolve(options.policy);
    } catch (const Error& error) {
      resolved.problems.push_back(error.what());
    }
  } else {
    resolved.problems.push_back("type: " + UnknownPolicyType(options.type));
  }
  TrainerOptions trainer;
  ReadJson(EngineTrainerOptions(options), trainer, "trainer", {}, resolved.problems);
  resolved.trainer = ToJson(trainer);
  return resolved;
}

std::shared_ptr<const TrainingSet> Load(const TrainOptions& options, Progress& progress) {
  // complain about options before hours of reading
  const ResolvedTraining resolved = ResolveTraining(options);
  if (!resolved.problems.empty()) {
    ThrowUsage(fmt::format("train: {}", fmt::join(resolved.problems, "; ")));
  }
  const std::vector<std::filesystem::path> paths(options.datasets.begin(), options.datasets.end());
  return std::make_shared<const TrainingSet>(
      LoadTrainingSet(paths, options.cameras, options.selection, progress, options.read));
}

}  // namespace

TrainReport RunTrain(const TrainOptions& options, const EngineFactory& factory,
                     Progress& progress) {
  return TrainLoop(Load(options, progress), options, factory, progress);
}

Json PlanTrain(const TrainOptions& options, Progress& progress) {
  const std::shared_ptr<const TrainingSet> set = Load(options, progress);
  const double windows = static_cast<double>(set->windows());
  const double frame_mib = set->image_height * set->image_width * 3.0 / (1 << 20);
  Json datasets = Json::array();
  for (size_t d = 0; d < set->datasets.size(); ++d) {
    datasets.push_back(Json{{"path", set->datasets[d].path},
                            {"hash", set->datasets[d].hash},
                            {"episodes", set->datasets[d].episodes},
                            {"rows", set->WindowsOf(d).second}});
  }
  const ResolvedTraining resolved = ResolveTraining(options);
  return Json{{"datasets", datasets},
              {"type", options.type},
              {"policy", resolved.policy},
              {"trainer", resolved.trainer},
              {"instructions", set->instructions},
              {"cameras", set->cameras},
              {"image", {set->image_height, set->image_width}},
              {"state", set->embodiment.state_size()},
              {"action", set->embodiment.action_size()},
              {"updates", options.steps},
              {"samples", options.steps * options.batch},
              {"epochs", static_cast<double>(options.steps * options.batch) / windows},
              {"frames_mib", windows * static_cast<double>(set->cameras.size()) * frame_mib},
              {"cache_mib", options.loader.cache_mib}};
}

std::string TaskOfPolicy(const EvalCommandOptions& options) {
  return options.checkpoint.empty() ? "" : LoadListedPolicy(options.checkpoint).config.task;
}

std::unique_ptr<Policy> MakePolicy(const EvalCommandOptions& options,
                                   const SimulatorInfo& simulator,
                                   const ChunkModelFactory& factory) {
  if (options.baseline == BaselinePolicy::kHold) {
    return std::make_unique<HoldPolicy>(InfoFor(simulator));
  }
  if (options.checkpoint.empty()) {
    ThrowUsage("evaluate needs --checkpoint FOLDER (of `understudy train`) or --baseline hold");
  }
  if (options.baseline == BaselinePolicy::kMeanChunk) {
    return std::make_unique<MeanChunkPolicy>(LoadListedPolicy(options.checkpoint).config);
  }
  return LoadCheckpointPolicy(options.checkpoint, factory);
}

}  // namespace understudy
