#include "app/list.h"

#include <fmt/format.h>

#include "app/assets.h"
#include "app/registry.h"
#include "app/shipped.h"
#include "augment/randomizers/randomizers.h"
#include "core/spec/listed.h"
#include "core/spec/robot_spec.h"
#include "core/spec/task_spec.h"
#include "data/formats/formats.h"
#include "train/policies/policies.h"

namespace understudy {

Json ListParts() {
  const std::filesystem::path home = HomeFolder();
  Json parts;
  for (const std::string& name : ListedNames(home / "sim" / "tasks", "task.yaml")) {
    const TaskSpec task = LoadTaskSpec(name, home / "sim" / "tasks");
    Json variants = Json::array();
    for (const auto& [variant, range] : task.variants) variants.push_back(variant);
    parts["tasks"].push_back({{"name", name},
                              {"description", task.description},
                              {"instruction", task.instruction},
                              {"robot", task.robot},
                              {"variants", variants}});
  }
  for (const std::string& name : ListedNames(home / "sim" / "robots", "robot.yaml")) {
    const RobotSpec robot = LoadRobotSpec(name, home / "sim" / "robots");
    parts["robots"].push_back(
        {{"name", name},
         {"description", robot.description + "; carries " + robot.gripper.name},
         {"gripper", robot.gripper.name}});
  }
  for (const std::string& name : ListedNames(home / "sim" / "grippers", "gripper.yaml")) {
    const GripperSpec gripper = LoadGripperSpec(name, home / "sim" / "grippers");
    parts["grippers"].push_back({{"name", name}, {"description", gripper.description}});
  }
  for (const RandomizerLine& line : RandomizerLines()) {
    parts["randomizers"].push_back(
        {{"name", line.name},
         {"description", line.summary + (line.label_safe ? " (label-safe)" : " (label-unsafe)")},
         {"label_safe", line.label_safe}});
  }
  for (const DatasetFormat& format : DatasetFormats()) {
    parts["formats"].push_back({{"name", format.name}, {"description", format.summary}});
  }
  for (const PolicyType& policy : PolicyTypes()) {
    parts["policies"].push_back({{"name", policy.name}, {"description", policy.summary}});
  }
  parts["devices"].push_back(
      {{"name", "virtual"}, {"description", "virtual headset with a scripted operator"}});
  parts["devices"].push_back(
      {{"name", "openxr"}, {"description", "the active OpenXR runtime's headset and controllers"}});
  parts["devices"].push_back(
      {{"name", "webxr"}, {"description", "a headset's browser, which draws the twin in stereo"}});
  parts["devices"].push_back({{"name", "page"}, {"description", "mouse and keys in a browser"}});
  for (const auto& [family, count] : Pictures().Families()) {
    parts["pictures"].push_back(
        {{"name", family + "/*"},
         {"description", fmt::format("{} {}", count, family == "sky" ? "panoramas" : "textures")}});
  }
  for (const ShippedFile& checkpoint : ShippedCheckpoints()) {
    parts["checkpoints"].push_back({{"name", checkpoint.name},
                                    {"description", checkpoint.description},
                                    {"path", checkpoint.path}});
  }
  for (const auto& [kind, title] :
       {std::pair{ShippedKind::kPlan, "plans"}, std::pair{ShippedKind::kPipeline, "pipelines"}}) {
    for (const ShippedFile& file : ListShipped(kind)) {
      parts[title].push_back(
          {{"name", file.name}, {"description", file.description}, {"path", file.path}});
    }
  }
  return parts;
}

std::string DescribeParts(const Json& parts) {
  std::string text;
  for (const auto& [kind, items] : parts.items()) {
    text += kind + "\n";
    for (const Json& item : items) {
      std::string line = item.value("description", "");
      if (item.contains("variants")) {
        line += fmt::format(" (variants {})",
                            fmt::join(item["variants"].get<std::vector<std::string>>(), ", "));
      }
      const std::string name = item["name"].get<std::string>();
      text += line.empty() ? fmt::format("  {}\n", name) : fmt::format("  {:<16} {}\n", name, line);
    }
  }
  return text;
}

}  // namespace understudy
