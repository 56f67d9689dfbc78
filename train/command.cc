#include "train/command.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"
#include "train/evaluate/baselines.h"
#include "train/evaluate/checkpoint_policy.h"
#include "train/evaluate/choose_embodiment.h"
#include "train/evaluate/recorded_baselines.h"
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

// A network that learns one embodiment gets one, or a list of what differs.
TrainingSets Load(const TrainOptions& options, Progress& progress) {
  const std::vector<std::filesystem::path> paths(options.datasets.begin(), options.datasets.end());
  TrainingSets sets;
  if (FindPolicyType(options.type)->slots.empty()) {
    sets.push_back(std::make_shared<const TrainingSet>(
        LoadTrainingSet(paths, options.inputs, options.selection, progress, options.read)));
  } else {
    sets = LoadTrainingSets(paths, options.inputs, options.selection, progress, options.read);
  }
  for (const auto& set : sets) {
    if (!options.inputs.actions) break;
    const bool joints = *options.inputs.actions == ActionKind::kJoints;
    if (set->embodiment.action_meaning == (joints ? kRelativeJoints : kRelativeEef)) continue;
    ThrowBadInput(fmt::format("{}: --actions {}: it has no {} of every arm",
                              set->datasets.at(0).path, joints ? "joints" : "pose",
                              joints ? "targets of the joints" : "pose and target"));
  }
  return sets;
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
  TrainOptions options = Resolved(given);
  const TrainingSets sets = Load(options, progress);
  FitSlots(sets, options);
  const double windows = static_cast<double>(WindowsOf(sets));
  Json datasets = Json::array(), numbers = Json::array(), embodiments = Json::array();
  std::vector<std::string> warnings, instructions;
  double frames_mib = 0;
  const std::vector<std::string> names = NamesOf(sets);
  for (size_t slot = 0; slot < sets.size(); ++slot) {
    const TrainingSet& set = *sets[slot];
    for (size_t d = 0; d < set.datasets.size(); ++d) {
      datasets.push_back(Json{{"path", set.datasets[d].path},
                              {"hash", set.datasets[d].hash},
                              {"episodes", set.datasets[d].episodes},
                              {"rows", set.WindowsOf(d).second}});
      if (sets.size() > 1) datasets.back()["embodiment"] = names[slot];
    }
    const std::vector<NumberReport> reported =
        ReportNumbers(set, StateRules(options), ActionRules(options));
    for (const NumberReport& number : reported) {
      numbers.push_back(ToJson(number));
      if (sets.size() > 1) numbers.back()["embodiment"] = names[slot];
    }
    for (const std::string& line : Warnings(reported)) {
      warnings.push_back(sets.size() > 1 ? names[slot] + ": " + line : line);
    }
    for (const std::string& text : set.instructions) {
      if (std::ranges::find(instructions, text) == instructions.end()) instructions.push_back(text);
    }
    frames_mib += static_cast<double>(set.windows()) * static_cast<double>(set.cameras.size()) *
                  set.image_height * set.image_width * 3.0 / (1 << 20);
    embodiments.push_back({{"name", names[slot]},
                           {"cameras", set.cameras},
                           {"state", set.embodiment.StateNames()},
                           {"action", set.embodiment.ActionNames()}});
  }
  Json columns = Json::array();
  const SampleLayout layout = AskedColumns(sets, options);
  for (const ColumnLayout& column : layout.columns) {
    columns.push_back(Json{{"name", column.info.name},
                           {"shape", column.info.shape},
                           {"steps", {column.offsets.front(), column.offsets.back()}}});
  }
  Json plan{{"datasets", datasets},
            {"type", options.type},
            {"policy", options.policy},
            {"trainer", ToJson(options.trainer)},
            {"columns", columns},
            {"instructions", instructions},
            {"cameras", sets[0]->cameras},
            {"image", {sets[0]->image_height, sets[0]->image_width}},
            {"state", layout[kStateColumn].info.size()},
            {"action", layout[kActionColumn].info.size()},
            {"numbers", numbers},
            {"warnings", warnings},
            {"updates", options.steps},
            {"samples", options.steps * options.batch},
            {"epochs", static_cast<double>(options.steps * options.batch) / windows},
            {"frames_mib", frames_mib},
            {"cache_mib", options.loader.cache_mib}};
  if (sets.size() > 1) plan["embodiments"] = embodiments;
  if (factory) {
    const UpdateCost cost = MeasureUpdate(sets, options, factory);
    plan["seconds_per_update"] = cost.seconds;
    plan["seconds"] = cost.seconds * static_cast<double>(options.steps);
    plan["memory_mib"] = cost.memory.ToJson();
    plan["memory_mib"]["peak"] = cost.peak_mib;
  }
  return plan;
}

TwinOfTraining TwinOfPolicy(const EvalCommandOptions& options, const std::string& task,
                            const std::string& robot) {
  if (options.checkpoint.empty()) return {};
  const std::vector<PolicyEmbodiment> all = LoadPolicyConfig(options.checkpoint).Embodiments();
  const auto fits = [&](const PolicyEmbodiment& one) {
    if (!options.embodiment.empty()) return one.name == options.embodiment;
    return (task.empty() || one.task == task) && (robot.empty() || one.embodiment.robot == robot);
  };
  const auto found = std::ranges::find_if(all, fits);
  const PolicyEmbodiment& one = found == all.end() ? all[0] : *found;
  // the scene that it carries is that of the first dataset
  const bool first = &one == &all[0] || one.task == all[0].task;
  return {one.task, one.embodiment.robot, one.robot_place,
          first ? SceneOfPolicy(options.checkpoint) : std::filesystem::path()};
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
  const auto choose = [&](const PolicyConfig& config) {
    return ChooseEmbodiment(config, options.checkpoint, options.embodiment, simulator);
  };
  if (options.baseline == BaselinePolicy::kMeanChunk) {
    return std::make_unique<MeanChunkPolicy>(choose(LoadListedPolicy(options.checkpoint).config));
  }
  return LoadCheckpointPolicy(options.checkpoint, factory, PolicyTypes(), choose);
}

namespace {

// For the rows of a dataset.
OpenedPolicy OpenPolicy(const std::string& checkpoint, const std::string& embodiment,
                        const std::string& dataset, const SelectionOptions& selection,
                        const ReadOptions& read, const ChunkModelFactory& factory) {
  return OpenListedPolicy(checkpoint, factory, PolicyTypes(), [&](const PolicyConfig& config) {
    return ChooseEmbodiment(config, checkpoint, embodiment, dataset, selection, read);
  });
}

}  // namespace

OpenLoopReport RunOpenLoop(const std::string& checkpoint, const std::string& embodiment,
                           const OpenLoopOptions& options, const SelectionOptions& selection,
                           const ReadOptions& read, const ChunkModelFactory& factory,
                           Progress& progress) {
  if (checkpoint.empty()) {
    ThrowUsage("evaluate --datasets needs --checkpoint FOLDER (of `understudy train`)");
  }
  const OpenedPolicy opened =
      OpenPolicy(checkpoint, embodiment, options.datasets.at(0), selection, read, factory);
  return CompareOpenLoop(opened.policy, opened.layout, *opened.model, options, selection, read,
                         progress);
}

PredictReport RunPredict(const std::string& checkpoint, const PredictOptions& options,
                         const ChunkModelFactory& factory, Progress& progress) {
  const OpenedPolicy opened = OpenPolicy(checkpoint, options.embodiment, options.dataset,
                                         options.selection, options.read, factory);
  return Predict(opened.policy, opened.layout, *opened.model, options, progress);
}

Json ExportPolicy(const std::string& checkpoint, const std::string& to, const std::string& out,
                  bool plan) {
  if (checkpoint.empty() || out.empty()) {
    ThrowUsage("policy export needs a checkpoint (of `understudy train`) and --out FOLDER");
  }
  const PolicyArtefact policy = LoadListedPolicy(checkpoint);
  const PolicyType* type = FindPolicyType(policy.config.type);
  if (type == nullptr || !type->write_foreign || type->foreign != to) {
    std::vector<std::string> written;
    for (const PolicyType& listed : PolicyTypes()) {
      if (listed.write_foreign) {
        written.push_back(fmt::format("'{}' (for {})", listed.name, listed.foreign));
      }
    }
    ThrowBadInput(fmt::format(
        "{}: a policy of type '{}' for {}: networks that another program has, too, are of type {}",
        policy.folder.string(), policy.config.type, to, fmt::join(written, ", ")));
  }
  type->write_foreign(policy, out, plan);
  return {{"policy", policy.hash},
          {"weights", policy.weights.size()},
          {"action_meaning", policy.config.embodiment.action_meaning},
          {"out", out}};
}

}  // namespace understudy
