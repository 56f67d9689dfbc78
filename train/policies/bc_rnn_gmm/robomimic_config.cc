#include "train/policies/bc_rnn_gmm/robomimic_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "train/policies/bc_rnn_gmm/bc_rnn_gmm_config.h"
#include "train/tensors/safetensors.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

// What this program's network has one way only.
void CheckAlgorithm(const Json& algo, Problems* problems) {
  const auto expect = [&](const char* option, const Json& value) {
    const Json found = algo.value(Json::json_pointer(option), Json());
    if (found == value) return;
    problems->push_back(
        fmt::format("algo{} = {}: this program has {} only", option, found.dump(), value.dump()));
  };
  expect("/rnn/enabled", true);
  expect("/rnn/rnn_type", "LSTM");
  expect("/rnn/open_loop", false);
  expect("/rnn/kwargs/bidirectional", false);
  expect("/gmm/enabled", true);
  expect("/gmm/std_activation", "softplus");
  expect("/gmm/low_noise_eval", true);
  expect("/actor_layer_dims", Json::array());
}

// Numbers as they are, or by robomimic's mean and deviation.
Normalizer AsTheyAre(int size) {
  Normalizer normalizer;
  normalizer.mode = NormalizerMode::kNone;
  for (auto column : {&Normalizer::min, &Normalizer::max, &Normalizer::mean, &Normalizer::std,
                      &Normalizer::q01, &Normalizer::q99}) {
    (normalizer.*column).assign(static_cast<size_t>(size), 0);
  }
  return normalizer;
}

Normalizer ByStatistics(const Json& statistics, const std::vector<EmbodimentColumn>& columns) {
  Normalizer normalizer;
  normalizer.mode = NormalizerMode::kMeanStd;
  normalizer.range_floor = 1e-12;
  for (const EmbodimentColumn& column : columns) {
    const Json& of_column = statistics.at(column.name.substr(column.name.find('/') + 1));
    const auto numbers = [&](const char* part) {
      // of the shape 1 x size
      return of_column.at(part).at(0).get<std::vector<double>>();
    };
    const std::vector<double> mean = numbers("mean"), deviation = numbers("std");
    normalizer.std.insert(normalizer.std.end(), deviation.begin(), deviation.end());
    for (auto place : {&Normalizer::min, &Normalizer::max, &Normalizer::mean, &Normalizer::q01,
                       &Normalizer::q99}) {
      (normalizer.*place).insert((normalizer.*place).end(), mean.begin(), mean.end());
    }
  }
  return normalizer;
}

PolicyConfig ConfigOf(const Json& about, const std::string& file) {
  Problems problems;
  const Json& algo = about.at("algo");
  CheckAlgorithm(algo, &problems);
  PolicyConfig config;
  config.type = "bc_rnn_gmm";
  config.control_hz = 0;  // nothing says it
  config.execute = 1;
  Embodiment& embodiment = config.embodiment;
  embodiment.action_meaning = kStoredColumns;
  embodiment.gripper_joints = 0;
  for (const Json& observation : about.at("observations")) {
    const auto name = observation.at(0).get<std::string>();
    const auto shape = observation.at(1).get<std::vector<int>>();
    if (shape.size() > 1) {
      problems.push_back(fmt::format(
          "it sees '{}', pictures, through batch norms that this program's policy does not have: "
          "low-dimensional policies are opened",
          name));
    }
    const int size = std::accumulate(shape.begin(), shape.end(), 1, std::multiplies<>());
    embodiment.state_columns.push_back({"obs/" + name, size, {}});
  }
  if (!problems.empty()) ThrowBadInput(fmt::format("{}: {}", file, fmt::join(problems, "; ")));
  embodiment.action_columns = {{"actions", about.at("actions").get<int>(), {}}};

  PolicyShape& layout = config.layout;
  layout.cameras = 0;
  layout.height = layout.width = 1;
  layout.horizon = 1;
  layout.state = embodiment.state_size();
  layout.action = embodiment.action_size();
  const Json statistics = about.value("statistics", Json());
  config.state = statistics.is_null() ? AsTheyAre(layout.state)
                                      : ByStatistics(statistics, embodiment.state_columns);
  config.action = AsTheyAre(layout.action);
  config.mean_chunk.assign(static_cast<size_t>(layout.action), 0);
  const Json network{{"modality", "low_dim"},
                     {"objects", false},
                     {"sequence", algo.at("rnn").at("horizon")},
                     {"layers", algo.at("rnn").at("num_layers")},
                     {"hidden", algo.at("rnn").at("hidden_dim")},
                     {"modes", algo.at("gmm").at("num_modes")},
                     {"min_std", algo.at("gmm").at("min_std")}};
  config.network = ToJson(ReadBcRnnGmmConfig(network));
  return ParsePolicyConfig(ToJson(config), file);
}

// The tensor of ours, or none.
std::string OurName(const std::string& name) {
  for (const auto& [theirs, ours] :
       {std::pair<std::string, std::string>("policy.nets.rnn.nets.", "rnn."),
        {"policy.nets.decoder.nets.", "decoder."}}) {
    if (name.starts_with(theirs)) return ours + name.substr(theirs.size());
  }
  return "";
}

}  // namespace

PolicyArtefact ReadRobomimicPolicy(const fs::path& file) {
  PolicyArtefact policy;
  policy.folder = file;
  const TensorFile tensors = ReadSafetensors(file);
  const auto about = tensors.metadata.find("robomimic");
  if (about == tensors.metadata.end()) {
    ThrowBadInput(file.string() +
                  ": does not say what it sees (metadata 'robomimic'): write it by "
                  "tools/robomimic_to_safetensors.py");
  }
  try {
    policy.config = ConfigOf(Json::parse(about->second), file.string());
  } catch (const Json::exception& error) {
    ThrowBadInput(
        fmt::format("{}: metadata 'robomimic' is not as tools/robomimic_to_safetensors.py writes "
                    "it: {}",
                    file.string(), error.what()));
  }
  for (const auto& [name, blob] : tensors.tensors) {
    // the heads stand twice in a state_dict
    if (name.starts_with("policy.nets.rnn.per_step_net.")) continue;
    const std::string ours = OurName(name);
    if (ours.empty()) {
      ThrowBadInput(fmt::format("{}: tensor '{}' has no place in a policy of type bc_rnn_gmm",
                                file.string(), name));
    }
    policy.weights[ours] = blob;
  }
  Hasher hasher;
  hasher.Add(ToJson(policy.config).dump());
  hasher.Add(FileHash(file));
  policy.hash = hasher.Hex();
  return policy;
}

}  // namespace understudy
