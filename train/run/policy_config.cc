#include "train/run/policy_config.h"

#include <fmt/format.h>

#include "core/base/error.h"

namespace understudy {

PolicyInfo PolicyConfig::Info(const std::string& hash) const {
  PolicyInfo info;
  info.name = type;
  info.hash = hash;
  info.cameras = cameras;
  info.image_width = layout.width;
  info.image_height = layout.height;
  info.robot = embodiment.robot;
  info.tasks = instructions;
  info.control_hz = control_hz;
  info.limits = {max_linear_delta, max_angular_delta};
  info.horizon = layout.horizon;
  info.execute = execute;
  info.action_meaning = embodiment.action_meaning;
  info.arms = static_cast<int>(embodiment.arms.size());
  info.X_WB = embodiment.X_WB;
  for (const LabelledObject& object : objects) info.objects.push_back(object.name);
  return info;
}

ColumnOffer PolicyConfig::Offer() const {
  const int labels = kObjectLabel * static_cast<int>(objects.size());
  std::vector<EmbodimentOffer> offers;
  for (const PolicyEmbodiment& one : Embodiments()) {
    offers.push_back({one.cameras, one.embodiment.state_size(), one.embodiment.action_size()});
  }
  std::vector<ColumnInfo> offered =
      OfferedColumns(offers, layout.height, layout.width, layout.tokens, labels, true);
  std::erase_if(offered, [](const ColumnInfo& column) { return column.training_only; });
  OfferFeatures(layout.feature_tokens, layout.feature_width, &offered);
  return {std::move(offered), layout.horizon};
}

std::vector<PolicyEmbodiment> PolicyConfig::Embodiments() const {
  if (!embodiments.empty()) return embodiments;
  return {{EmbodimentNames({embodiment})[0], task, robot_place, embodiment, cameras, control_hz,
           max_linear_delta, max_angular_delta, state, action, mean_chunk}};
}

PolicyConfig PolicyConfig::For(size_t wanted) const {
  const PolicyEmbodiment one = Embodiments().at(wanted);
  PolicyConfig config = *this;
  config.slot = wanted;
  config.task = one.task;
  config.robot_place = one.robot_place;
  config.embodiment = one.embodiment;
  config.cameras = one.cameras;
  config.control_hz = one.control_hz;
  config.max_linear_delta = one.max_linear_delta;
  config.max_angular_delta = one.max_angular_delta;
  config.state = one.state;
  config.action = one.action;
  config.mean_chunk = one.mean_chunk;
  config.layout.cameras = static_cast<int>(one.cameras.size());
  config.layout.state = one.embodiment.state_size();
  config.layout.action = one.embodiment.action_size();
  return config;
}

namespace {

// What is wrong with one read from a file, for all that is said of one embodiment.
void CheckEmbodiment(const PolicyConfig& config, Problems* problems) {
  const auto expect = [&](bool holds, const std::string& what) {
    if (!holds) problems->push_back(what);
  };
  const PolicyShape& layout = config.layout;
  const std::string& meaning = config.embodiment.action_meaning;
  expect(meaning == kRelativeEef || meaning == kRelativeJoints || meaning == kStoredColumns,
         fmt::format("embodiment.action_meaning = '{}': known are {}, {} and {}", meaning,
                     kRelativeEef, kRelativeJoints, kStoredColumns));
  expect(layout.state == config.embodiment.state_size(),
         fmt::format("layout.state = {}: the embodiment has {}", layout.state,
                     config.embodiment.state_size()));
  expect(layout.action == config.embodiment.action_size(),
         fmt::format("layout.action = {}: the embodiment has {}", layout.action,
                     config.embodiment.action_size()));
  expect(layout.cameras == static_cast<int>(config.cameras.size()),
         fmt::format("layout.cameras = {}: {} are named", layout.cameras, config.cameras.size()));
  expect(config.mean_chunk.size() ==
             static_cast<size_t>(layout.horizon) * static_cast<size_t>(layout.action),
         fmt::format("mean_chunk has {} numbers, not {} x {}", config.mean_chunk.size(),
                     layout.horizon, layout.action));
  for (const std::string& what : config.state.Problems(layout.state)) {
    expect(false, "state." + what);
  }
  for (const std::string& what : config.action.Problems(layout.horizon * layout.action)) {
    expect(false, "action." + what);
  }
}

}  // namespace

PolicyConfig ParsePolicyConfig(const Json& json, const std::string& name) {
  // format and version first: an older layout must not drown the reader in unknown keys
  const Json format = json.is_object() ? json.value("format", Json()) : Json();
  if (format != "understudy-policy") {
    ThrowBadInput(
        fmt::format("{}: format is {}, not \"understudy-policy\": this is no policy of "
                    "this program",
                    name, format.dump()));
  }
  const Json version = json.value("version", Json());
  if (version != PolicyConfig().version) {
    ThrowBadInput(fmt::format("{}: version {}: this program reads version {}", name, version.dump(),
                              PolicyConfig().version));
  }
  const PolicyConfig config = FromJson<PolicyConfig>(json, name);
  Problems problems;
  const auto expect = [&](bool holds, const std::string& what) {
    if (!holds) problems.push_back(what);
  };
  const PolicyShape& layout = config.layout;
  expect(config.execute <= layout.horizon,
         fmt::format("execute = {}: a chunk has {} actions", config.execute, layout.horizon));
  CheckEmbodiment(config, &problems);
  for (size_t slot = 0; slot < config.embodiments.size(); ++slot) {
    Problems of_slot;
    CheckEmbodiment(config.For(slot), &of_slot);
    const std::string& called = config.embodiments[slot].name;
    for (const std::string& what : of_slot) {
      expect(false, fmt::format("embodiments[{}] ('{}'): {}", slot, called, what));
    }
    for (size_t other = 0; other < slot; ++other) {
      expect(config.embodiments[other].name != called,
             fmt::format("embodiments[{}]: name '{}' is taken by another", slot, called));
    }
  }
  expect(config.embodiments.empty() || ToJson(config.For(0)) == ToJson(config),
         "embodiments[0]: differs from what stands beside the list");
  if (!config.objects.empty()) {
    const int labels = kObjectLabel * static_cast<int>(config.objects.size());
    for (const std::string& what : config.object_statistics.Problems(labels)) {
      expect(false, "object_statistics." + what);
    }
  }
  if (!problems.empty()) ThrowBadInput(fmt::format("{}: {}", name, fmt::join(problems, "; ")));
  return config;
}

}  // namespace understudy
