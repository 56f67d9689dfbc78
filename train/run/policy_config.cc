#include "train/run/policy_config.h"

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
  std::vector<ColumnInfo> offered =
      OfferedColumns(cameras, layout.height, layout.width, embodiment, layout.tokens, labels, true);
  std::erase_if(offered, [](const ColumnInfo& column) { return column.training_only; });
  return {std::move(offered), layout.horizon};
}

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
  expect(config.execute <= layout.horizon,
         fmt::format("execute = {}: a chunk has {} actions", config.execute, layout.horizon));
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
