#include "app/planned_steps.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <regex>
#include <set>

#include "app/references.h"
#include "app/shipped.h"
#include "core/base/hash.h"
#include "core/spec/robot_spec.h"
#include "core/spec/task_spec.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

// Hash of every file below a folder, by relative name.
void HashFolder(const fs::path& folder, Hasher& hasher) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    hasher.Add(fs::relative(file, folder).string());
    hasher.Add(FileHash(file));
  }
}

// Hash of the files that an MJCF file includes, such as the room that tasks share.
void HashIncludes(const fs::path& mjcf, std::set<fs::path>* seen, Hasher& hasher) {
  static const std::regex include(R"re(<include\s+file\s*=\s*"([^"]+)")re");
  const std::string text = ReadText(mjcf);
  for (auto it = std::sregex_iterator(text.begin(), text.end(), include);
       it != std::sregex_iterator(); ++it) {
    const fs::path file = (mjcf.parent_path() / (*it)[1].str()).lexically_normal();
    if (!seen->insert(file).second || !fs::is_regular_file(file)) continue;
    hasher.Add(FileHash(file));
    HashIncludes(file, seen, hasher);
  }
}

// What a step's result depends on beside its options: the own files of the task, the robot and what
// it carries, and files that options name and no step makes.
void HashAssets(const Json& options, const std::vector<std::string>& written,
                const std::set<std::string>& made, Hasher& hasher) {
  const fs::path home = HomeFolder();
  const std::string place = options.value("task", "");   // empty: that of the inputs, in their keys
  std::string robot_place = options.value("robot", "");  // empty: the task's
  std::set<fs::path> included;
  if (!place.empty()) {
    const TaskSpec task = LoadTaskSpec(place, home / "sim" / "tasks");
    if (robot_place.empty()) robot_place = task.robot;
    HashFolder(task.folder, hasher);
    HashIncludes(task.folder / task.scene, &included, hasher);
  }
  if (!robot_place.empty()) {
    const RobotSpec robot = LoadRobotSpec(robot_place, home / "sim" / "robots");
    HashFolder(robot.folder, hasher);
    HashFolder(robot.gripper.folder, hasher);
    HashIncludes(robot.folder / robot.model, &included, hasher);
  }
  // a dataset of another program names its robot itself, whose kinematics may make its poses
  const bool reads = options.contains("source") || options.contains("path");
  const fs::path robots = home / "sim" / "robots";
  std::error_code none;
  if (reads && options.contains("task") && options.value("robot", "").empty() &&
      fs::is_directory(robots, none)) {
    HashFolder(robots, hasher);
  }
  // what a step writes is no input of it, and what steps make counts by their keys
  const auto is_output = [&](const std::string& text) {
    const auto holds = [&](const std::string& output) {
      return text == output || text.starts_with(output + "/");
    };
    return text.empty() || std::any_of(written.begin(), written.end(), holds) ||
           std::any_of(made.begin(), made.end(), holds);
  };
  MapStrings(options, [&](const std::string& text) {
    std::error_code ignored;
    if (text.size() >= 4096 || is_output(text)) return text;
    if (fs::is_regular_file(text, ignored)) hasher.Add(FileHash(text));
    // a word may be the name of a folder by chance
    if (text.find('/') != std::string::npos && fs::is_directory(text, ignored)) {
      HashFolder(text, hasher);
    }
    return text;
  });
  // a plan may be given by name
  for (const char* key : {"plan_file", "factors"}) {
    const std::string plan = options.value(key, "");
    const std::string found = FindShipped(ShippedKind::kPlan, plan);
    if (found != plan && fs::is_regular_file(found)) hasher.Add(FileHash(found));
  }
}

std::string Suffix(const Command& command) {
  // folders for what trains, files for the rest
  if (command.name == "train") return "";
  return command.name == "evaluate" ? ".json" : ".h5";
}

std::string UtcNow() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

fs::path StateFile(const fs::path& out, const std::string& step) {
  return out / ".state" / (step + ".json");
}

// Takes away what an earlier run with other settings left, so that nothing of it is resumed.
void RemoveStale(const fs::path& output) {
  std::error_code none;
  // parts of a run in parts
  const std::string part = output.stem().string() + ".shard-";
  for (const auto& entry : fs::directory_iterator(output.parent_path(), none)) {
    if (entry.path().filename().string().starts_with(part)) fs::remove_all(entry.path(), none);
  }
  for (const char* suffix : {"", ".part", ".episodes", ".journal"}) {
    std::error_code ignored;
    fs::remove_all(output.string() + suffix, ignored);
  }
  // videos of an evaluation's report
  if (output.extension() != ".json") return;
  std::error_code ignored;
  fs::remove_all(fs::path(output).replace_extension().string() + "_videos", ignored);
}

// Whether what lies at an output of the step was made by the pipeline: it lies in its folder, or
// the step wrote it the last time. Another file is somebody's own, which the command may refuse to
// replace.
bool IsOfTheRun(const fs::path& out, const PlannedStep& step, const fs::path& output) {
  const fs::path inside = output.lexically_normal().lexically_relative(out.lexically_normal());
  if (!inside.empty() && *inside.begin() != "..") return true;
  if (!step.state.is_object()) return false;
  const Json written = step.state.value("written", Json::array());
  return std::ranges::count(written, Json(output.string())) > 0;
}

// Whether a command was interrupted before its end.
bool StoppedEarly(const Json& result) {
  return result.is_object() && (result.value("interrupted", false) ||
                                result.value("stopped", std::string()) == "interrupted");
}

fs::path StartedFile(const fs::path& out, const std::string& step) {
  return out / ".state" / (step + ".started");
}

std::string ReasonToRun(const PlannedStep& step, bool force) {
  if (force) return "forced";
  if (!step.state.is_object()) return "not made yet";
  if (step.state["key"] != step.key) return "settings, inputs or program changed";
  if (!step.options.value("policy_server", "").empty()) {
    return "a server may have another policy by now";
  }
  const std::string now = Fingerprint(step.output);
  if (now.empty()) return "output missing";
  return step.state["fingerprint"] == now ? "" : "output changed";
}

}  // namespace

std::string Fingerprint(const fs::path& output) {
  std::error_code error;
  if (fs::is_directory(output, error)) {
    Hasher hasher;
    HashFolder(output, hasher);
    return "folder:" + hasher.Hex();
  }
  const auto size = fs::file_size(output, error);
  if (error) return "";
  return fmt::format("{}:{}", size, fs::last_write_time(output).time_since_epoch().count());
}

std::vector<PlannedStep> PlanSteps(const LoadedPipeline& loaded, bool force,
                                   const std::vector<Command>& commands) {
  const fs::path out = loaded.pipeline.out;
  std::map<std::string, std::string> outputs, keys;
  std::set<std::string> made;
  for (const std::string& step : loaded.order) {
    const Command& command = FindCommand(commands, loaded.pipeline.steps.at(step).command);
    outputs[step] = (out / (step + Suffix(command))).string();
    made.insert(outputs[step]);
  }

  std::vector<PlannedStep> planned;
  for (const std::string& name : loaded.order) {
    PlannedStep step{.name = name, .spec = loaded.pipeline.steps.at(name)};
    const Command& command = FindCommand(commands, step.spec.command);
    step.inputs = InputsOf(step.spec);
    Json given = command.defaults;
    for (const auto& [key, value] : step.spec.with.items()) given[key] = value;
    LayPreset(command, step.spec.with, &given);
    given = MapStrings(given, [&](const std::string& text) {
      return ReplaceReferences(text, [&](const std::string& input) { return outputs.at(input); });
    });
    if (given.contains("out")) given["out"] = outputs[name];
    // resume unfinished output with the same key; BeginStep deletes any other
    if (given.contains("resume")) given["resume"] = true;
    step.options = command.resolve(given);
    step.output = outputs[name];
    step.written = OutputsOf(command.fields, step.options);

    Hasher hasher;
    hasher.Add(ProgramHash());
    hasher.Add(step.spec.command);
    // where things go and how fast they are made changes nothing in them
    hasher.Add(ResultOptions(step.options, command.fields).dump());
    HashAssets(step.options, step.written, made, hasher);
    for (const std::string& input : step.inputs) hasher.Add(keys.at(input));
    step.key = keys[name] = hasher.Hex();

    step.state = LoadStepState(out, name);
    step.reason = ReasonToRun(step, force);
    planned.push_back(std::move(step));
  }
  return planned;
}

bool WasBegun(const fs::path& out, const PlannedStep& step) {
  const fs::path started = StartedFile(out, step.name);
  return fs::exists(started) && ReadText(started) == step.key;
}

bool BeginStep(const fs::path& out, const PlannedStep& step, bool force) {
  const bool resume = !force && WasBegun(out, step);
  // a whole file whose state was never written has lost its report with the run that made it
  if (!resume || fs::is_regular_file(step.output)) {
    for (const std::string& output : step.written) {
      if (resume || IsOfTheRun(out, step, output)) RemoveStale(output);
    }
  }
  fs::remove(StateFile(out, step.name));
  WriteTextAtomically(StartedFile(out, step.name), step.key);
  return resume;
}

void EndStep(const fs::path& out, const Command& command, const Json& result, double seconds,
             PlannedStep* step) {
  if (StoppedEarly(result)) {
    ThrowFailed(
        fmt::format("interrupted in step '{}'; run the same command again to resume", step->name));
  }
  if (result.is_object() && result.value("failed", false)) {
    ThrowFailed(fmt::format("step '{}' did not reach its goal: {}", step->name,
                            command.describe ? command.describe(result) : result.dump()));
  }
  step->state = {{"key", step->key},
                 {"fingerprint", Fingerprint(step->output)},
                 {"command", step->spec.command},
                 {"options", step->options},
                 {"inputs", step->inputs},
                 {"output", step->output.string()},
                 {"written", step->written},
                 {"seconds", seconds},
                 {"finished_utc", UtcNow()},
                 {"program", ProgramVersion()},
                 {"program_hash", ProgramHash()},
                 {"policy", step->spec.policy},
                 {"condition", step->spec.condition},
                 {"result", result}};
  WriteTextAtomically(StateFile(out, step->name), step->state.dump(2) + "\n");
  fs::remove(StartedFile(out, step->name));
}

Json LoadStepState(const fs::path& out, const std::string& step) {
  const fs::path file = StateFile(out, step);
  return fs::exists(file) ? LoadJson(file) : Json();
}

}  // namespace understudy
