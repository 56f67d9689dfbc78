#include "train/command.h"

#include <algorithm>

#include "core/base/error.h"
#include "train/evaluate/baselines.h"
#include "train/evaluate/checkpoint_policy.h"
#include "train/evaluate/recorded_baselines.h"
#include "train/policies/act/lerobot_config.h"
#include "train/policies/policies.h"
#include "train/run/checkpoint.h"
#include "train/samples/statistics.h"

namespace understudy {
namespace {

// The resolved options. Complains about them before hours of reading.
TrainOptions Resolved(const TrainOptions& options) {
  Problems problems;
  TrainOptions resolved = Resolve(options, PolicyTypes(), problems);
  if (!problems.empty()) ThrowUsage(fmt::format("train: {}", fmt::join(problems, "; ")));
  return resolved;
}

std::shared_ptr<const TrainingSet> Load(const TrainOptions& options, Progress& progress) {
  const std::vector<std::filesystem::path> paths(options.datasets.begin(), options.datasets.end());
  auto set = std::make_shared<const TrainingSet>(
      LoadTrainingSet(paths, options.inputs, options.selection, progress, options.read));
  if (!options.inputs.actions) return set;
  const bool joints = *options.inputs.actions == ActionKind::kJoints;
  if (set->embodiment.action_meaning != (joints ? kRelativeJoints : kRelativeEef)) {
    ThrowBadInput(fmt::format("{}: --actions {}: it has no {} of every arm", paths.at(0).string(),
                              joints ? "joints" : "pose",
                              joints ? "targets of the joints" : "pose and target"));
  }
  return set;
}

}  // namespace

std::vector<FieldInfo> PolicyFields() {
  std::vector<FieldInfo> fields;
  for (const PolicyType& type : PolicyTypes()) {
    for (FieldInfo field : type.fields) {
      field.path = "policy." + field.path;
      field.doc = fmt::format("{}: {}", type.name, field.doc);
      const auto known = std::find_if(fields.begin(), fields.end(), [&](const FieldInfo& other) {
        return other.path == field.path;
      });
      // one flag for the policies that share a name; its value is checked by the policy
      if (known == fields.end()) {
        fields.push_back(field);
      } else {
        known->doc += "; " + field.doc;
      }
    }
  }
  return fields;
}

Json ResolvePolicy(const std::string& type, const Json& policy) {
  const PolicyType* listed = FindPolicyType(type);
  if (listed == nullptr) ThrowUsage("type: " + UnknownPolicyType(type));
  return listed->resolve(policy);
}

Json PresetOfPolicy(const Json& given) {
  const Json name = given.value("type", Json(TrainOptions().type));
  const PolicyType* type = name.is_string() ? FindPolicyType(name) : nullptr;
  if (type == nullptr || !type->preset) return Json::object();
  // the network of the policy that it starts from, as in Resolve; a step of a pipeline has not made
  // it yet
  Json policy = Json::object();
  const Json from = given.value("from", Json()), options = given.value("policy", Json());
  if (from.is_string() && std::filesystem::exists(from.get<std::string>())) {
    policy = LoadTrainConfig(from.get<std::string>())["policy"];
  }
  if (options.is_object()) policy.update(options);
  return type->preset(policy);
}

TrainReport RunTrain(const TrainOptions& options, const EngineFactory& factory, Progress& progress,
                     Ranks* ranks, CheckpointTrials* trials) {
  try {
    const TrainOptions resolved = Resolved(options);
    return TrainLoop(Load(resolved, progress), resolved, factory, progress, PolicyTypes(), ranks,
                     trials);
  } catch (const std::exception& error) {
    if (ranks != nullptr) ranks->Fail(error.what());
    throw;
  }
}

Json PlanTrain(const TrainOptions& given, const EngineFactory& factory, Progress& progress) {
  const TrainOptions options = Resolved(given);
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
  Json columns = Json::array();
  const SampleLayout layout = AskedColumns(*set, options);
  for (const ColumnLayout& column : layout.columns) {
    columns.push_back(Json{{"name", column.info.name},
                           {"shape", column.info.shape},
                           {"steps", {column.offsets.front(), column.offsets.back()}}});
  }
  const std::vector<NumberReport> reported =
      ReportNumbers(*set, StateRules(options), ActionRules(options));
  Json numbers = Json::array();
  for (const NumberReport& number : reported) numbers.push_back(ToJson(number));
  Json plan{{"datasets", datasets},
            {"type", options.type},
            {"policy", options.policy},
            {"trainer", ToJson(options.trainer)},
            {"columns", columns},
            {"instructions", set->instructions},
            {"cameras", set->cameras},
            {"image", {set->image_height, set->image_width}},
            {"state", set->embodiment.state_size()},
            {"action", set->embodiment.action_size()},
            {"numbers", numbers},
            {"warnings", Warnings(reported)},
            {"updates", options.steps},
            {"samples", options.steps * options.batch},
            {"epochs", static_cast<double>(options.steps * options.batch) / windows},
            {"frames_mib", windows * static_cast<double>(set->cameras.size()) * frame_mib},
            {"cache_mib", options.loader.cache_mib}};
  if (factory) {
    const double update_s = SecondsPerUpdate(set, options, factory);
    plan["seconds_per_update"] = update_s;
    plan["seconds"] = update_s * static_cast<double>(options.steps);
  }
  return plan;
}

TwinOfTraining TwinOfPolicy(const EvalCommandOptions& options) {
  if (options.checkpoint.empty()) return {};
  const PolicyConfig config = LoadPolicyConfig(options.checkpoint);
  return {config.task, config.embodiment.robot, config.robot_place,
          SceneOfPolicy(options.checkpoint)};
}

std::unique_ptr<Policy> MakePolicy(const EvalCommandOptions& options,
                                   const SimulatorInfo& simulator, const ChunkModelFactory& factory,
                                   Progress& progress) {
  if (options.baseline == BaselinePolicy::kHold) {
    return std::make_unique<HoldPolicy>(InfoFor(simulator));
  }
  const bool replays = options.baseline == BaselinePolicy::kReplay;
  if (replays || options.baseline == BaselinePolicy::kNearest) {
    if (options.baseline_dataset.empty()) {
      ThrowUsage(fmt::format("evaluate --baseline {} needs --baseline-dataset FILE",
                             replays ? "replay" : "nearest"));
    }
    InputOptions inputs;
    inputs.pictures = false;
    TrainingSet set = LoadTrainingSet({options.baseline_dataset}, inputs, {}, progress);
    if (replays) return std::make_unique<ReplayPolicy>(std::move(set));
    return std::make_unique<NearestPolicy>(std::move(set));
  }
  if (options.checkpoint.empty()) {
    ThrowUsage("evaluate needs --checkpoint FOLDER (of `understudy train`) or --baseline hold");
  }
  if (options.baseline == BaselinePolicy::kMeanChunk) {
    return std::make_unique<MeanChunkPolicy>(LoadListedPolicy(options.checkpoint).config);
  }
  return LoadCheckpointPolicy(options.checkpoint, factory);
}

namespace {

// A policy and its network.
struct OpenedPolicy {
  PolicyArtefact policy;
  SampleLayout layout;
  std::unique_ptr<ChunkModel> model;
};

OpenedPolicy OpenPolicy(const std::string& checkpoint, const ChunkModelFactory& factory) {
  OpenedPolicy opened{LoadListedPolicy(checkpoint), {}, nullptr};
  const PolicyConfig& config = opened.policy.config;
  opened.layout = LayoutFor(*FindPolicyType(config.type), config.network, config.Offer());
  opened.model = factory(config.type, opened.layout, config.network, opened.policy.weights);
  return opened;
}

}  // namespace

OpenLoopReport RunOpenLoop(const std::string& checkpoint, const OpenLoopOptions& options,
                           const SelectionOptions& selection, const ReadOptions& read,
                           const ChunkModelFactory& factory, Progress& progress) {
  if (checkpoint.empty()) {
    ThrowUsage("evaluate --datasets needs --checkpoint FOLDER (of `understudy train`)");
  }
  const OpenedPolicy opened = OpenPolicy(checkpoint, factory);
  return CompareOpenLoop(opened.policy, opened.layout, *opened.model, options, selection, read,
                         progress);
}

PredictReport RunPredict(const std::string& checkpoint, const PredictOptions& options,
                         const ChunkModelFactory& factory, Progress& progress) {
  const OpenedPolicy opened = OpenPolicy(checkpoint, factory);
  return Predict(opened.policy, opened.layout, *opened.model, options, progress);
}

Json ExportPolicy(const std::string& checkpoint, const std::string& out, bool plan) {
  if (checkpoint.empty() || out.empty()) {
    ThrowUsage("policy export needs a checkpoint (of `understudy train`) and --out FOLDER");
  }
  const PolicyArtefact policy = LoadListedPolicy(checkpoint);
  CheckLerobotPolicy(policy);
  if (!plan) WriteLerobotPolicy(policy, out);
  return {{"policy", policy.hash},
          {"weights", policy.weights.size()},
          {"action_meaning", policy.config.embodiment.action_meaning},
          {"out", out}};
}

}  // namespace understudy
