#include "train/policies/act/lerobot_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "train/policies/act/act_config.h"
#include "train/tensors/safetensors.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

// What training and acting are the same for, so that it is not looked at.
constexpr const char* kOwnMatters[] = {"device",
                                       "use_amp",
                                       "use_peft",
                                       "push_to_hub",
                                       "repo_id",
                                       "private",
                                       "tags",
                                       "license",
                                       "pretrained_path",
                                       "optimizer_lr",
                                       "optimizer_lr_backbone",
                                       "optimizer_weight_decay",
                                       "pretrained_backbone_weights",
                                       "temporal_ensemble_coeff"};

template <class T>
T Get(const Json& json, const std::string& key, const std::string& file) {
  const auto found = json.find(key);
  if (found == json.end()) ThrowBadInput(fmt::format("{}: '{}' is missing", file, key));
  try {
    return found->get<T>();
  } catch (const Json::exception&) {
    ThrowBadInput(
        fmt::format("{}: {} = {}: of another kind than LeRobot writes", file, key, found->dump()));
  }
}

// A step of a processor's JSON, by its name in LeRobot's registry.
Json StepOf(const fs::path& file, const std::string& name) {
  const Json json = LoadJson(file);
  for (const Json& step : Get<std::vector<Json>>(json, "steps", file.string())) {
    if (step.value("registry_name", "") == name) return step;
  }
  ThrowBadInput(fmt::format("{}: has no step '{}'", file.string(), name));
}

// Numbers of a statistic, or none.
std::optional<std::vector<double>> Statistic(const TensorFile& file, const std::string& feature,
                                             const std::string& name) {
  const auto found = file.tensors.find(feature + "." + name);
  if (found == file.tensors.end()) return {};
  if (found->second.dtype != "F32") return {};
  const std::vector<float> numbers = FloatsOf(found->second);
  return std::vector<double>(numbers.begin(), numbers.end());
}

// Mean and deviation of a feature of `size` numbers.
Normalizer MeanStd(const TensorFile& file, const std::string& name, const std::string& feature,
                   size_t size) {
  Normalizer result;
  result.mode = NormalizerMode::kMeanStd;
  result.range_floor = 1e-12;
  const auto need = [&](const char* statistic) {
    const auto numbers = Statistic(file, feature, statistic);
    if (!numbers || numbers->size() != size) {
      ThrowBadInput(fmt::format("{}: {}.{}: {} numbers, not {}", name, feature, statistic,
                                numbers ? numbers->size() : 0, size));
    }
    return *numbers;
  };
  result.mean = need("mean");
  result.std = need("std");
  // what only describes, where it was stored
  const auto have = [&](const char* statistic) {
    const auto numbers = Statistic(file, feature, statistic);
    return numbers && numbers->size() == size ? *numbers : result.mean;
  };
  result.min = have("min");
  result.max = have("max");
  result.q01 = have("q01");
  result.q99 = have("q99");
  return result;
}

// Reads the options of the network; what differs from the only thing that this program has is a
// problem.
ActConfig ReadNetwork(const Json& json, const std::string& file, Problems& problems) {
  ActConfig config;
  const std::vector<std::pair<std::string, int*>> sizes{
      {"dim_model", &config.dim_model},
      {"n_heads", &config.n_heads},
      {"dim_feedforward", &config.dim_feedforward},
      {"n_encoder_layers", &config.n_encoder_layers},
      {"n_decoder_layers", &config.n_decoder_layers},
      {"latent_dim", &config.latent_dim},
      {"n_vae_encoder_layers", &config.n_vae_encoder_layers}};
  for (const auto& [key, size] : sizes) *size = Get<int>(json, key, file);
  config.use_vae = Get<bool>(json, "use_vae", file);
  config.dropout = Get<double>(json, "dropout", file);
  config.kl_weight = Get<double>(json, "kl_weight", file);

  const Json only{{"vision_backbone", "resnet18"},
                  {"replace_final_stride_with_dilation", false},
                  {"pre_norm", false},
                  {"feedforward_activation", "relu"},
                  {"n_obs_steps", 1}};
  for (const auto& [key, value] : only.items()) {
    const Json found = Get<Json>(json, key, file);
    // LeRobot writes 0 and false alike
    const bool same = found == value || (value == false && found == 0);
    if (!same) {
      problems.push_back(
          fmt::format("{} = {}: this program has {} only", key, found.dump(), value.dump()));
    }
  }
  std::vector<std::string> known(std::begin(kOwnMatters), std::end(kOwnMatters));
  for (const char* key : {"type", "input_features", "chunk_size", "output_features", "use_vae",
                          "normalization_mapping", "dropout", "n_action_steps", "kl_weight"}) {
    known.push_back(key);
  }
  for (const auto& [size, number] : sizes) known.push_back(size);
  for (const auto& [key, value] : json.items()) {
    const bool expected =
        std::find(known.begin(), known.end(), key) != known.end() || only.contains(key);
    if (!expected) {
      problems.push_back(fmt::format("'{}': LeRobot 0.4.4 has no such option of ACT", key));
    }
  }
  return config;
}

// config.json with the statistics beside it.
PolicyConfig ReadLerobotConfig(const fs::path& folder) {
  const std::string file = (folder / "config.json").string();
  const Json json = LoadJson(file);
  Problems problems;
  ActConfig network = ReadNetwork(json, file, problems);
  PolicyConfig config;
  config.type = "act";
  PolicyShape& layout = config.layout;
  layout = {.cameras = 0};
  layout.horizon = Get<int>(json, "chunk_size", file);
  config.execute = Get<int>(json, "n_action_steps", file);
  config.control_hz = 0;  // nothing says it

  // features: one state, one action, pictures of one size
  const fs::path before = folder / (std::string(kLerobotBefore) + ".json");
  if (!fs::exists(before)) {
    ThrowBadInput(
        fmt::format("{}: is missing: a LeRobot before 0.4 kept statistics among the weights: "
                    "convert the policy by "
                    "`python -m lerobot.processor.migrate_policy_normalization`",
                    before.string()));
  }
  const Json normalise = StepOf(before, "normalizer_processor");
  const std::string statistics_file =
      (folder / Get<std::string>(normalise, "state_file", before.string())).string();
  const double epsilon = normalise.value("config", Json::object()).value("eps", kLerobotEpsilon);
  const Json rename = StepOf(before, "rename_observations_processor");
  if (!rename.value("config", Json::object()).value("rename_map", Json::object()).empty()) {
    problems.push_back("its preprocessor renames observations: save it without a rename_map");
  }
  const TensorFile statistics = ReadSafetensors(statistics_file);
  const Json modes = Get<Json>(json, "normalization_mapping", file);
  const auto check_mode = [&](const char* kind) {
    if (modes.value(kind, "") == "MEAN_STD") return;
    problems.push_back(fmt::format("normalization_mapping.{} = {}: this program has MEAN_STD only",
                                   kind, modes.value(kind, Json()).dump()));
  };
  for (const char* kind : {"VISUAL", "STATE", "ACTION"}) check_mode(kind);
  std::vector<std::string> pictures;
  const Json inputs = Get<Json>(json, "input_features", file);
  for (const auto& [name, feature] : inputs.items()) {
    const auto type = Get<std::string>(feature, "type", file + ": " + name);
    const auto shape = Get<std::vector<int>>(feature, "shape", file + ": " + name);
    if (type == "STATE" && name == kLerobotState && shape.size() == 1) {
      layout.state = shape[0];
      config.embodiment.state_columns = {{name, shape[0], {}}};
    } else if (type == "VISUAL" && name.starts_with(kLerobotPictures) && shape.size() == 3 &&
               shape[0] == 3) {
      if (!pictures.empty() && (shape[1] != layout.height || shape[2] != layout.width)) {
        problems.push_back(fmt::format("{}: {}x{} pixels, other cameras {}x{}", name, shape[2],
                                       shape[1], layout.width, layout.height));
      }
      layout.height = shape[1];
      layout.width = shape[2];
      pictures.push_back(name);
      config.cameras.push_back(name.substr(std::string(kLerobotPictures).size()));
    } else {
      problems.push_back(fmt::format("input '{}' of type {}: this program has {} and {}<camera>",
                                     name, type, kLerobotState, kLerobotPictures));
    }
  }
  if (config.embodiment.state_columns.empty()) {
    problems.push_back(fmt::format("there is no input '{}'", kLerobotState));
  }
  if (pictures.empty()) problems.push_back("there is no camera");
  const Json outputs = Get<Json>(json, "output_features", file);
  const auto action_shape =
      Get<std::vector<int>>(Get<Json>(outputs, kLerobotAction, file), "shape", file);
  layout.action = action_shape.size() == 1 ? action_shape[0] : 0;
  if (!problems.empty()) ThrowBadInput(fmt::format("{}: {}", file, fmt::join(problems, "; ")));
  layout.cameras = static_cast<int>(pictures.size());
  layout = FromJson<PolicyShape>(ToJson(layout), file);  // before anything is made of its sizes
  config.embodiment.action_meaning = kStoredColumns;
  config.embodiment.action_columns = {{kLerobotAction, layout.action, {}}};
  config.embodiment.gripper_joints = 0;

  // statistics: those of pictures are options of the network here
  config.state =
      MeanStd(statistics, statistics_file, kLerobotState, static_cast<size_t>(layout.state));
  for (double& deviation : config.state.std) deviation += epsilon;
  const Normalizer action =
      MeanStd(statistics, statistics_file, kLerobotAction, static_cast<size_t>(layout.action));
  for (int step = 0; step < layout.horizon; ++step) {
    config.action.Append(action);
    config.mean_chunk.insert(config.mean_chunk.end(), action.mean.begin(), action.mean.end());
  }
  std::optional<Normalizer> seen;
  for (const std::string& picture : pictures) {
    const Normalizer colours = MeanStd(statistics, statistics_file, picture, 3);
    if (seen && (seen->mean != colours.mean || seen->std != colours.std)) {
      ThrowBadInput(fmt::format(
          "{}: {} has another mean or deviation than {}: this program has one for all cameras",
          statistics_file, picture, pictures[0]));
    }
    seen = colours;
  }
  std::copy_n(seen->mean.begin(), 3, network.image_mean.begin());
  std::copy_n(seen->std.begin(), 3, network.image_std.begin());
  config.network = ToJson(ReadActConfig(ToJson(network)));
  return ParsePolicyConfig(ToJson(config), file);
}

}  // namespace

PolicyArtefact ReadLerobotPolicy(const fs::path& folder) {
  PolicyArtefact policy;
  policy.folder = folder;
  try {
    policy.config = ReadLerobotConfig(folder);
  } catch (const Json::exception& error) {
    ThrowBadInput(
        fmt::format("{}: config.json or policy_preprocessor.json is not as LeRobot 0.4 "
                    "writes it: {}",
                    folder.string(), error.what()));
  }
  policy.weights = ReadSafetensors(folder / "model.safetensors").tensors;
  Hasher hasher;
  hasher.Add(ToJson(policy.config).dump());
  hasher.Add(FileHash(folder / "model.safetensors"));
  policy.hash = hasher.Hex();
  return policy;
}

}  // namespace understudy
