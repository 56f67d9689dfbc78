// data …: look at, check, join and mend datasets.
#include <fmt/format.h>

#include "app/commands.h"
#include "data/store/command.h"
#include "data/store/dataset.h"

namespace understudy {
namespace {

struct PathOptions {
  std::string path;
  template <class V>
  void Visit(V& v) {
    v("path", path, "dataset");
  }
};

struct MergeOptions {
  std::vector<std::string> inputs;
  std::string out;
  bool by_reference = false;
  bool overwrite = false;
  template <class V>
  void Visit(V& v) {
    v("inputs", inputs, "datasets of the same task and robot");
    v("out", out, "dataset to write");
    v("by_reference", by_reference, "a master of relative links instead of a copy");
    v("overwrite", overwrite, "replace it where it exists");
  }
};

struct RepairOptions {
  std::string path, out;
  bool overwrite = false;
  template <class V>
  void Visit(V& v) {
    v("path", path, "damaged dataset or .part file");
    v("out", out, "dataset to write");
    v("overwrite", overwrite, "replace it where it exists");
  }
};

const std::string& Given(const std::string& path, const char* command, const char* field) {
  if (path.empty()) ThrowUsage(fmt::format("data {}: {}: name a dataset", command, field));
  return path;
}

Json Verify(const PathOptions& options) {
  const VerifyReport report = VerifyDataset(Given(options.path, "verify", "path"));
  Json result = ToJson(report);
  result["path"] = options.path;
  result["failed"] = !report.faults.empty();
  return result;
}

std::string DescribeVerify(const Json& result) {
  std::string text;
  for (const Json& fault : result["faults"]) {
    text += fmt::format("{}: {}\n", fault["place"].get<std::string>(),
                        fault["what"].get<std::string>());
  }
  return text + fmt::format("{}: {} episodes, {} steps, {} faults\n",
                            result["path"].get<std::string>(), result["episodes"].dump(),
                            result["steps"].dump(), result["faults"].size());
}

// "key: value" lines, nested mappings indented.
std::string Outline(const Json& json, int indent = 0) {
  std::string text;
  for (const auto& [key, value] : json.items()) {
    text += std::string(static_cast<size_t>(indent), ' ') + key + ":";
    if (value.is_object()) {
      text += "\n" + Outline(value, indent + 2);
    } else {
      text += " " + (value.is_string() ? value.get<std::string>() : value.dump()) + "\n";
    }
  }
  return text;
}

}  // namespace

std::vector<Command> DataCommands() {
  std::vector<Command> commands;
  commands.push_back(MakeCommand<PathOptions>(
      "data info", "what a dataset holds",
      [](const PathOptions& options, CommandContext&) {
        return DescribeDataset(Given(options.path, "info", "path"));
      },
      [](const Json& result) { return Outline(result); }));
  commands.push_back(MakeCommand<PathOptions>(
      "data verify", "every fault of a dataset, with its place",
      [](const PathOptions& options, CommandContext&) { return Verify(options); }, DescribeVerify));
  commands.push_back(MakeCommand<MergeOptions>(
      "data merge", "join datasets, by copy or by reference",
      [](const MergeOptions& options, CommandContext&) -> Json {
        if (options.inputs.empty()) ThrowUsage("data merge: inputs: name at least one dataset");
        Given(options.out, "merge", "out");
        MergeDatasets({options.inputs.begin(), options.inputs.end()}, options.out,
                      options.by_reference, options.overwrite);
        return {{"out", options.out}, {"episodes", DatasetReader(options.out).episodes().size()}};
      },
      [](const Json& result) {
        return fmt::format("{}: {} episodes\n", result["out"].get<std::string>(),
                           result["episodes"].dump());
      }));
  commands.push_back(MakeCommand<RepairOptions>(
      "data repair", "copy what is sound of a damaged dataset into a new one",
      [](const RepairOptions& options, CommandContext&) -> Json {
        const RepairReport report =
            RepairDataset(Given(options.path, "repair", "path"),
                          Given(options.out, "repair", "out"), options.overwrite);
        Json dropped = Json::array();
        for (const Fault& fault : report.dropped) {
          dropped.push_back(fmt::format("{}: {}", fault.place, fault.what));
        }
        return {{"outcome", report.outcome},
                {"episodes_kept", report.episodes_kept},
                {"steps_kept", report.steps_kept},
                {"dropped", dropped}};
      },
      [](const Json& result) { return Outline(result); }));
  for (Command& command : commands) {
    command.positional = {command.name == "data merge" ? "inputs" : "path"};
  }
  return commands;
}

}  // namespace understudy
