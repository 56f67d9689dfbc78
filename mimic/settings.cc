#include "mimic/settings.h"

#include <string>
#include <utility>
#include <vector>

#include "core/seam/dataset_header.h"
#include "mimic/command.h"

namespace understudy {
namespace {

struct BoundList {
  RunOptions run;
  template <class V>
  void Visit(V& v) {
    run.VisitBounds(v);
  }
};

struct SourceList {
  MimicOptions options;
  template <class V>
  void Visit(V& v) {
    options.VisitSources(v);
  }
};

// The options of attempts, those of the run beside the others.
Json AttemptOptions(Json results) {
  Json run = results.at("run");
  results.erase("run");
  for (const FieldInfo& field : ListFields(SourceList{})) results.erase(field.path);
  for (const FieldInfo& field : ListFields(BoundList{})) run.erase(field.path);
  for (const auto& [key, value] : run.items()) results[key] = value;
  return results;
}

bool IsDefault(const Json& defaults, const std::string& key, const Json& value) {
  const auto found = defaults.find(key);
  return found != defaults.end() && *found == value;
}

}  // namespace

Json AttemptSettings(const StoredOptions& options, const TaskSpec& task,
                     const SimulatorInfo& info) {
  Json chosen = AttemptOptions(options.chosen);
  const Json defaults = AttemptOptions(options.defaults);
  Json settings;
  // the sources' own robot is not named
  if (options.chosen.at("transfer").get<bool>()) settings["robot"] = info.robot;
  // uuids hash this text: these come first, in this order and always
  for (const char* key : {"variant", "seed", "debounce", "generate"}) {
    settings[key] = chosen.at(key);
    chosen.erase(key);
  }
  Json& generate = settings["generate"];
  if (IsDefault(defaults.at("generate"), "gates", generate.at("gates"))) generate.erase("gates");
  for (const auto& [key, value] : chosen.items()) {
    if (!IsDefault(defaults, key, value)) settings[key] = value;
  }
  settings["subtasks"] = ToJson(task.subtasks);
  // options added later are left out where they are not used. (Headers of older datasets hold them
  // in their task, so that Subtask::kUnwritten cannot name them.)
  const Json unused = ToJson(Subtask{});
  for (Json& subtask : settings["subtasks"]) {
    for (const char* key : {"replay", "turn_hand", "bridge_arch", "noise_correlation"}) {
      if (subtask[key] == unused[key]) subtask.erase(key);
    }
  }
  return settings;
}

Json RunSettings(const StoredOptions& options, const Json& attempts, const Json& robot) {
  const Json& run = options.chosen.at("run");
  DatasetHeader header;
  header.settings = attempts;
  for (const char* key : {"source_mask", "source_limit"}) {
    header.settings[key] = options.chosen.at(key);
  }
  header.settings["keep_failed"] = run.at("keep_failed");
  SetRobotSpec(robot, header);
  // balance looks at what was kept before: its bound counts with it
  if (run.at("balance").get<double>() > 0) {
    header.settings["balance"] = {
        {"share", run.at("balance")}, {"bins", run.at("balance_bins")}, {"demos", run.at("demos")}};
  }
  // `sources` are the dataset's parents, by content; `transfer` is settings.robot
  for (const FieldInfo& field : ListFields(SourceList{})) {
    const std::string& key = field.path;
    if (key == "sources" || key == "transfer" || !options.chosen.contains(key)) continue;
    const Json& value = options.chosen.at(key);
    if (!IsDefault(options.defaults, key, value)) header.settings[key] = value;
  }
  return header.settings;
}

}  // namespace understudy
