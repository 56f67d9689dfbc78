#include "app/pipeline.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <functional>
#include <optional>
#include <regex>
#include <set>

#include "app/report.h"
#include "app/shipped.h"
#include "app/terminal_progress.h"
#include "core/base/hash.h"
#include "core/base/locks.h"
#include "core/spec/robot_spec.h"
#include "core/spec/task_spec.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

const std::regex& Reference() {
  static const std::regex reference("\\$\\{([A-Za-z0-9_.-]+)\\}");
  return reference;
}

// Applies `change` to every text in a JSON tree.
Json MapStrings(const Json& json, const std::function<std::string(const std::string&)>& change) {
  if (json.is_string()) return change(json.get<std::string>());
  Json mapped = json;
  if (json.is_structured()) {
    for (auto& item : mapped) item = MapStrings(item, change);
  }
  return mapped;
}

std::string Substitute(const std::string& text, const std::map<std::string, std::string>& outputs) {
  std::string result;
  auto begin = std::sregex_iterator(text.begin(), text.end(), Reference());
  size_t at = 0;
  for (auto it = begin; it != std::sregex_iterator(); ++it) {
    result += text.substr(at, static_cast<size_t>(it->position()) - at);
    result += outputs.at((*it)[1].str());
    at = static_cast<size_t>(it->position() + it->length());
  }
  return result + text.substr(at);
}

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
void HashAssets(const Json& options, const std::set<std::string>& made, Hasher& hasher) {
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
  // the page that a step writes beside its output is no input of it
  const std::string page = options.value("report", "");
  MapStrings(options, [&](const std::string& text) {
    std::error_code ignored;
    if (!page.empty() && text == page) return text;
    const bool is_file = text.size() < 4096 && fs::is_regular_file(text, ignored);
    if (is_file && !made.contains(text)) hasher.Add(FileHash(text));
    return text;
  });
  // a plan may be given by name
  const std::string plan = options.value("plan_file", "");
  const std::string found = FindShipped(ShippedKind::kPlan, plan);
  if (found != plan && fs::is_regular_file(found)) hasher.Add(FileHash(found));
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
  for (const char* suffix : {"", ".part", ".episodes", ".journal"}) {
    std::error_code ignored;
    fs::remove_all(output.string() + suffix, ignored);
  }
  // videos of an evaluation's report
  if (output.extension() != ".json") return;
  std::error_code ignored;
  fs::remove_all(fs::path(output).replace_extension().string() + "_videos", ignored);
}

// Whether a command was interrupted before its end.
bool StoppedEarly(const Json& result) {
  return result.is_object() && (result.value("interrupted", false) ||
                                result.value("stopped", std::string()) == "interrupted");
}

struct Planned {
  std::string name, key;
  Json options;
  fs::path output;
  bool up_to_date = false;
  std::string reason;  // to run it; empty: up to date
  Json state;
};

std::string ReasonToRun(const Planned& step, bool force) {
  if (force) return "forced";
  if (!step.state.is_object()) return "not made yet";
  if (step.state["key"] != step.key) return "settings, inputs or program changed";
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

std::vector<std::string> InputsOf(const PipelineStep& step) {
  std::vector<std::string> inputs;
  MapStrings(step.with, [&](const std::string& text) {
    for (auto it = std::sregex_iterator(text.begin(), text.end(), Reference());
         it != std::sregex_iterator(); ++it) {
      const std::string name = (*it)[1].str();
      if (std::find(inputs.begin(), inputs.end(), name) == inputs.end()) inputs.push_back(name);
    }
    return text;
  });
  return inputs;
}

std::vector<std::string> CheckPipeline(const Pipeline& pipeline,
                                       const std::vector<Command>& commands,
                                       const std::string& name) {
  Problems problems;
  std::vector<std::string> names;
  for (const auto& [step, spec] : pipeline.steps) names.push_back(step);
  if (names.empty()) problems.push_back("steps: at least one");
  if (pipeline.out.empty()) problems.push_back("out: must be given");
  for (const std::string& step : pipeline.order) {
    if (!pipeline.steps.contains(step)) {
      problems.push_back("order: " + UnknownName("step", step, names));
    }
  }

  // commands and references exist; options are options of the command
  for (const auto& [step, spec] : pipeline.steps) {
    const std::string path = "steps." + step;
    for (const std::string& input : InputsOf(spec)) {
      if (!pipeline.steps.contains(input)) {
        problems.push_back(fmt::format("{}: {}", path, UnknownName("step", input, names)));
      }
    }
    try {
      const Command& command = FindCommand(commands, spec.command);
      Json options = command.defaults;
      for (const auto& [key, value] : spec.with.items()) options[key] = value;
      LayPreset(command, spec.with, &options);
      command.resolve(options);
    } catch (const Error& error) {
      problems.push_back(fmt::format("{}: {}", path, error.what()));
    }
  }
  if (!problems.empty()) ThrowBadInput(fmt::format("{}: {}", name, fmt::join(problems, "; ")));

  // depth first, in the preferred order
  std::vector<std::string> order, preferred = pipeline.order;
  for (const std::string& step : names) {
    if (std::find(preferred.begin(), preferred.end(), step) == preferred.end()) {
      preferred.push_back(step);
    }
  }
  std::set<std::string> done, open;
  const std::function<void(const std::string&)> visit = [&](const std::string& step) {
    if (done.contains(step)) return;
    if (!open.insert(step).second) {
      ThrowBadInput(fmt::format("{}: steps.{}: depends on itself", name, step));
    }
    for (const std::string& input : InputsOf(pipeline.steps.at(step))) visit(input);
    open.erase(step);
    done.insert(step);
    order.push_back(step);
  };
  for (const std::string& step : preferred) visit(step);
  return order;
}

Json LoadStepState(const fs::path& out, const std::string& step) {
  const fs::path file = StateFile(out, step);
  return fs::exists(file) ? LoadJson(file) : Json();
}

Json RunPipeline(const PipelineOptions& options, const std::vector<Command>& commands,
                 CommandContext& context) {
  if (options.file.empty()) ThrowUsage("run: name a pipeline file, for example demo/stack.yaml");
  const std::string file = FindShipped(ShippedKind::kPipeline, options.file);
  Pipeline pipeline = FromJson<Pipeline>(LoadYaml(file), file);
  if (!options.out.empty()) pipeline.out = options.out;
  const std::vector<std::string> order = CheckPipeline(pipeline, commands, file);
  const fs::path out = pipeline.out;
  // a second run of the pipeline would redo the same steps
  std::optional<OutputLock> lock;
  if (!context.plan) {
    lock.emplace(out);
    fs::create_directories(out / ".state");
  }

  // the requested steps, with their inputs
  std::set<std::string> wanted;
  const std::function<void(const std::string&)> want = [&](const std::string& step) {
    if (!pipeline.steps.contains(step))
      ThrowUsage("run: only: " + UnknownName("step", step, order));
    wanted.insert(step);
    for (const std::string& input : InputsOf(pipeline.steps.at(step))) want(input);
  };
  for (const std::string& step : options.only.empty() ? order : options.only) want(step);

  // resolve options and keys: a key covers everything that the result depends on
  std::map<std::string, std::string> outputs;
  std::set<std::string> made;
  for (const std::string& step : order) {
    const Command& command = FindCommand(commands, pipeline.steps.at(step).command);
    outputs[step] = (out / (step + Suffix(command))).string();
    made.insert(outputs[step]);
  }
  std::map<std::string, Planned> planned;
  for (const std::string& step : order) {
    const PipelineStep& spec = pipeline.steps.at(step);
    const Command& command = FindCommand(commands, spec.command);
    Planned& plan = planned[step];
    plan.name = step;
    Json given = command.defaults;
    for (const auto& [key, value] : spec.with.items()) given[key] = value;
    LayPreset(command, spec.with, &given);
    given = MapStrings(given, [&](const std::string& t) { return Substitute(t, outputs); });
    if (given.contains("out")) given["out"] = outputs[step];
    // resume unfinished output with the same key; delete any other
    if (given.contains("resume")) given["resume"] = true;
    plan.options = command.resolve(given);
    plan.output = outputs[step];

    Hasher hasher;
    hasher.Add(ProgramHash());
    hasher.Add(spec.command);
    // where things go and how fast they are made changes nothing in them
    hasher.Add(ResultOptions(plan.options, command.fields).dump());
    HashAssets(plan.options, made, hasher);
    for (const std::string& input : InputsOf(spec)) hasher.Add(planned.at(input).key);
    plan.key = hasher.Hex();

    plan.state = LoadStepState(out, step);
    plan.reason = ReasonToRun(plan, options.force);
    plan.up_to_date = plan.reason.empty();
  }

  if (context.plan) {
    Json listing = Json::array();
    int to_run = 0;
    for (const std::string& step : order) {
      if (!wanted.contains(step)) continue;
      const Json& last = planned[step].state;
      listing.push_back(
          {{"step", step},
           {"command", pipeline.steps.at(step).command},
           {"inputs", InputsOf(pipeline.steps.at(step))},
           {"output", planned[step].output.string()},
           {"up_to_date", planned[step].up_to_date},
           {"reason", planned[step].reason},
           // null if it never ended well
           {"last_seconds", last.is_object() ? last.value("seconds", Json()) : Json()}});
      to_run += planned[step].up_to_date ? 0 : 1;
    }
    return {{"steps", listing}, {"to_run", to_run}};
  }

  // run what is not up to date
  int number = 0;
  for (const std::string& step : order) {
    ++number;
    if (!wanted.contains(step)) continue;
    Planned& plan = planned[step];
    const PipelineStep& spec = pipeline.steps.at(step);
    const std::string title =
        fmt::format("[{}/{}] {} ({})", number, order.size(), step, spec.command);
    if (plan.up_to_date) {
      context.progress->Message(title + ": up to date");
      continue;
    }
    context.progress->Message(title);

    // unfinished output is resumed under the same key only
    const fs::path started = out / ".state" / (step + ".started");
    const bool resume = !options.force && fs::exists(started) && ReadText(started) == plan.key;
    // a whole file whose state was never written has lost its report with the run that made it
    if (!resume || fs::is_regular_file(plan.output)) RemoveStale(plan.output);
    fs::remove(StateFile(out, step));
    WriteTextAtomically(started, plan.key);

    const auto start = std::chrono::steady_clock::now();
    CommandContext step_context{.progress = context.progress};
    const Command& command = FindCommand(commands, spec.command);
    const Json result = RunCommand(command, plan.options, step_context);
    if (StoppedEarly(result)) {
      ThrowFailed(
          fmt::format("interrupted in step '{}'; run the same command again to resume", step));
    }
    if (result.is_object() && result.value("failed", false)) {
      ThrowFailed(fmt::format("step '{}' did not reach its goal: {}", step,
                              command.describe ? command.describe(result) : result.dump()));
    }
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    plan.state = {{"key", plan.key},
                  {"fingerprint", Fingerprint(plan.output)},
                  {"command", spec.command},
                  {"options", plan.options},
                  {"inputs", InputsOf(spec)},
                  {"output", plan.output.string()},
                  {"seconds", seconds},
                  {"finished_utc", UtcNow()},
                  {"program", ProgramVersion()},
                  {"program_hash", ProgramHash()},
                  {"policy", spec.policy},
                  {"condition", spec.condition},
                  {"result", result}};
    WriteTextAtomically(StateFile(out, step), plan.state.dump(2) + "\n");
    fs::remove(started);
    if (InterruptRequested()) {
      ThrowFailed(
          fmt::format("interrupted after step '{}'; run the same command again to resume", step));
    }
  }

  // one row for each evaluation
  Json rows = Json::array();
  for (const std::string& step : order) {
    const Json& state = planned[step].state;
    if (pipeline.steps.at(step).command != "evaluate" || !state.is_object()) continue;
    const Json& result = state["result"];
    rows.push_back({{"policy", pipeline.steps.at(step).policy},
                    {"condition", pipeline.steps.at(step).condition},
                    {"episodes", result.value("episodes", 0)},
                    {"successes", result.value("successes", 0)},
                    {"interval", result.value("interval", Json::array({0, 1}))},
                    {"step", step}});
  }
  Json summary = {
      {"name", pipeline.name}, {"rows", rows}, {"report", (out / "report.html").string()}};
  WriteTextAtomically(out / "summary.json", summary.dump(2) + "\n");
  WriteReport(pipeline, order, out);
  return summary;
}

std::string DescribeSummary(const Json& summary) {
  std::string text = fmt::format("\n{:<12} {:<12} {:>9} {:>10} {:>9}   {}\n", "policy", "condition",
                                 "episodes", "successes", "success", "95 % interval");
  for (const Json& row : summary["rows"]) {
    const double episodes = row["episodes"].get<double>();
    text +=
        fmt::format("{:<12} {:<12} {:>9} {:>10} {:>7.1f} %   [{:.1f} %, {:.1f} %]\n",
                    row["policy"].get<std::string>(), row["condition"].get<std::string>(),
                    row["episodes"].get<int64_t>(), row["successes"].get<int64_t>(),
                    episodes > 0 ? 100 * row["successes"].get<double>() / episodes : 0,
                    100 * row["interval"][0].get<double>(), 100 * row["interval"][1].get<double>());
  }
  return text + fmt::format("\nreport: {}\n", summary["report"].get<std::string>());
}

std::string DescribePipelinePlan(const Json& plan) {
  std::string text;
  double known_seconds = 0;
  int unknown = 0;
  for (const Json& step : plan["steps"]) {
    std::string reason = step["reason"];
    if (!reason.empty() && step["last_seconds"].is_number()) {
      const double seconds = step["last_seconds"];
      known_seconds += seconds;
      reason += fmt::format(", took {} before", FormatDuration(seconds));
    } else if (!reason.empty()) {
      ++unknown;
    }
    text += fmt::format("{:<8} {:<22} {:<9} {}{}\n", reason.empty() ? "keep" : "run",
                        step["step"].get<std::string>(), step["command"].get<std::string>(),
                        step["output"].get<std::string>(), reason.empty() ? "" : ": " + reason);
  }
  text += fmt::format("{} of {} steps to run", plan["to_run"].get<int>(), plan["steps"].size());
  if (known_seconds > 0) text += fmt::format(", about {}", FormatDuration(known_seconds));
  if (known_seconds > 0 && unknown > 0) text += fmt::format(" and {} that never ran", unknown);
  return text + "\n";
}

}  // namespace understudy
