#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/base/error.h"
#include "train/policies/act/act_config.h"
#include "train/policies/act/lerobot_config.h"
#include "train/tensors/safetensors.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

Json Feature(const char* type, std::vector<int> shape) {
  return {{"type", type}, {"shape", std::move(shape)}};
}

TensorBlob Numbers(const std::vector<double>& values, std::vector<int64_t> shape) {
  return FloatTensor(std::vector<float>(values.begin(), values.end()), std::move(shape));
}

// The first `size` deviations, as they divide here.
std::vector<double> Deviations(const Normalizer& normalizer, size_t size) {
  std::vector<double> deviations;
  for (size_t d = 0; d < size; ++d) {
    deviations.push_back(std::max(normalizer.std[d], normalizer.range_floor));
  }
  return deviations;
}

// What keeps a policy from being LeRobot's.
Problems Obstacles(const PolicyConfig& config) {
  const ActConfig network = ReadActConfig(config.network);
  Problems problems;
  if (network.backbone_channels != ActConfig().backbone_channels) {
    problems.push_back(fmt::format("policy.backbone_channels = {}: LeRobot has {} only",
                                   network.backbone_channels, ActConfig().backbone_channels));
  }
  const auto need = [&](const Normalizer& normalizer, const char* option) {
    if (normalizer.mode == NormalizerMode::kMeanStd) return;
    problems.push_back(fmt::format("{}: must be mean_std", option));
  };
  need(config.state, "state_normalizer");
  need(config.action, "action_normalizer");
  const size_t size = static_cast<size_t>(config.layout.action);
  const std::vector<double> deviations = Deviations(config.action, config.action.std.size());
  for (size_t i = size; i < deviations.size(); ++i) {
    if (config.action.mean[i] == config.action.mean[i % size] &&
        deviations[i] == deviations[i % size]) {
      continue;
    }
    problems.push_back(
        "action_statistics: must be all_steps: LeRobot has one mean and deviation for all steps of "
        "a chunk");
    break;
  }
  return problems;
}

}  // namespace

void CheckLerobotPolicy(const PolicyArtefact& policy) {
  if (policy.config.type != "act") {
    ThrowBadInput(fmt::format(
        "{}: a policy of type '{}': LeRobot has networks of type 'act' in common with this program",
        policy.folder.string(), policy.config.type));
  }
  if (const Problems problems = Obstacles(policy.config); !problems.empty()) {
    ThrowBadInput(fmt::format("{}: LeRobot cannot have this policy: {}; train it so",
                              policy.folder.string(), fmt::join(problems, "; ")));
  }
}

void WriteLerobotPolicy(const PolicyArtefact& policy, const fs::path& folder) {
  CheckLerobotPolicy(policy);
  const PolicyConfig& config = policy.config;
  const ActConfig network = ReadActConfig(config.network);
  std::error_code none;
  if (fs::exists(folder) && !fs::is_empty(folder, none)) {
    ThrowUsage(
        fmt::format("{}: holds something: name a folder that is new or empty", folder.string()));
  }
  fs::create_directories(folder, none);
  if (none) ThrowFailed(fmt::format("{}: {}", folder.string(), none.message()));

  // what goes in and out, with its statistics
  const PolicyShape& layout = config.layout;
  const size_t state = static_cast<size_t>(layout.state),
               action = static_cast<size_t>(layout.action);
  Json inputs = Json::object(), outputs = Json::object();
  TensorMap statistics;
  const auto add = [&](const std::string& name, const std::vector<double>& mean,
                       const std::vector<double>& deviation, std::vector<int64_t> shape) {
    statistics[name + ".mean"] = Numbers(mean, shape);
    statistics[name + ".std"] = Numbers(deviation, shape);
  };
  for (const std::string& camera : config.cameras) {
    const std::string name = kLerobotPictures + camera;
    inputs[name] = Feature("VISUAL", {3, layout.height, layout.width});
    add(name, {network.image_mean.begin(), network.image_mean.end()},
        {network.image_std.begin(), network.image_std.end()}, {3, 1, 1});
  }
  inputs[kLerobotState] = Feature("STATE", {layout.state});
  add(kLerobotState, config.state.mean, Deviations(config.state, state), {layout.state});
  outputs[kLerobotAction] = Feature("ACTION", {layout.action});
  add(kLerobotAction,
      {config.action.mean.begin(),
       config.action.mean.begin() + static_cast<std::ptrdiff_t>(action)},
      Deviations(config.action, action), {layout.action});

  const Json modes{{"VISUAL", "MEAN_STD"}, {"STATE", "MEAN_STD"}, {"ACTION", "MEAN_STD"}};
  const Json json{{"type", "act"},
                  {"n_obs_steps", 1},
                  {"input_features", inputs},
                  {"output_features", outputs},
                  {"device", "cpu"},
                  {"use_amp", false},
                  {"push_to_hub", false},
                  {"chunk_size", layout.horizon},
                  {"n_action_steps", config.execute},
                  {"normalization_mapping", modes},
                  {"vision_backbone", "resnet18"},
                  {"pretrained_backbone_weights", nullptr},
                  {"replace_final_stride_with_dilation", false},
                  {"pre_norm", false},
                  {"dim_model", network.dim_model},
                  {"n_heads", network.n_heads},
                  {"dim_feedforward", network.dim_feedforward},
                  {"feedforward_activation", "relu"},
                  {"n_encoder_layers", network.n_encoder_layers},
                  {"n_decoder_layers", network.n_decoder_layers},
                  {"use_vae", network.use_vae},
                  {"latent_dim", network.latent_dim},
                  {"n_vae_encoder_layers", network.n_vae_encoder_layers},
                  {"temporal_ensemble_coeff", nullptr},
                  {"dropout", network.dropout},
                  {"kl_weight", network.kl_weight}};
  WriteTextAtomically(folder / "config.json", json.dump(2) + "\n");
  WriteSafetensors(folder / "model.safetensors", policy.weights, {{"format", "pt"}});

  // the steps that LeRobot puts before and behind the network
  const auto step = [](const char* name, const Json& options) {
    return Json{{"registry_name", name}, {"config", options}};
  };
  const Json to_cpu = step("device_processor", {{"device", "cpu"}, {"float_dtype", nullptr}});
  const auto normalise = [&](const char* name, const Json& features, const std::string& file) {
    WriteSafetensors(folder / file, statistics);
    Json result =
        step(name, {{"eps", kLerobotEpsilon}, {"features", features}, {"norm_map", modes}});
    result["state_file"] = file;
    return result;
  };
  const auto write = [&](const std::string& name, const std::vector<Json>& steps) {
    WriteTextAtomically(folder / (name + ".json"),
                        Json{{"name", name}, {"steps", steps}}.dump(2) + "\n");
  };
  Json all = inputs;
  all.update(outputs);
  write(kLerobotBefore,
        {step("rename_observations_processor", {{"rename_map", Json::object()}}),
         step("to_batch_processor", Json::object()), to_cpu,
         normalise("normalizer_processor", all,
                   fmt::format("{}_step_3_normalizer_processor.safetensors", kLerobotBefore))});
  write(kLerobotBehind,
        {normalise("unnormalizer_processor", outputs,
                   fmt::format("{}_step_0_unnormalizer_processor.safetensors", kLerobotBehind)),
         to_cpu});
}

}  // namespace understudy
