#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/json.h"
#include "core/base/options.h"
#include "core/base/progress.h"
#include "core/base/version.h"

namespace understudy {

// What a command is handed beside its options.
struct CommandContext {
  Progress* progress = nullptr;  // never null while a command runs
  bool plan = false;  // --plan: say what would be done, and its cost where known; do nothing
};

// A command with its options erased to JSON: the command line, the pipeline runner, help and the
// docs all walk the same list.
struct Command {
  std::string name;                     // "mimic", "data info"
  std::string summary;                  // one line for --help
  std::vector<FieldInfo> fields;        // options, for --help and flags
  std::vector<std::string> positional;  // fields that may be given without their name, in order
  Json defaults;
  // Values that other options bring along where nothing else is said, from the options that are
  // given; empty: none.
  std::function<Json(const Json& given)> preset;
  // Checks `options` and fills in defaults; throws Error with every violation.
  std::function<Json(const Json& options)> resolve;
  // Runs; returns the result for --json and summaries. Null: there is nothing to say.
  std::function<Json(const Json& options, CommandContext& context)> run;
  // The result for people, on stdout, and that of --plan; empty: an outline of the JSON.
  std::function<std::string(const Json&result)> describe, describe_plan;
  // Files and folders that a run with these options writes, and holds a lock on: the values of the
  // kOutput options unless a command says otherwise.
  std::function<std::vector<std::string>(const Json& options)> writes;
};

// Lays the values of the command's preset for the options in `given` over those that `given` leaves
// open. Returns their paths.
std::vector<std::string> LayPreset(const Command& command, const Json& given, Json* options);

// Values of the kOutput fields that name something.
std::vector<std::string> OutputsOf(const std::vector<FieldInfo>& fields, const Json& options);

// Options is a visitable struct; run takes it filled in.
template <class Options>
Command MakeCommand(std::string name, std::string summary,
                    std::function<Json(const Options&, CommandContext&)> run,
                    std::function<std::string(const Json&)> describe = {}) {
  Command command;
  command.name = name;
  command.summary = std::move(summary);
  command.fields = ListFields(Options{});
  command.defaults = ToJson(Options{});
  command.resolve = [name](const Json& json) { return ToJson(FromJson<Options>(json, name)); };
  command.run = [name, run = std::move(run)](const Json& json, CommandContext& context) {
    return run(FromJson<Options>(json, name), context);
  };
  command.describe = std::move(describe);
  command.writes = [fields = command.fields](const Json& json) { return OutputsOf(fields, json); };
  return command;
}

// Runs `command`, with a lock on what it writes unless it only plans. Throws Error(kUsage) naming
// the holder if somebody else is writing there. A lock that cannot be made is a message after the
// command has written all the same.
Json RunCommand(const Command& command, const Json& options, CommandContext& context);

// Every command of the program, in the order of the workflow: app/commands.cc.
std::vector<Command> AllCommands();

const Command& FindCommand(const std::vector<Command>& commands, const std::string& name);

// Where robots/ and tasks/ of the program lie: $UNDERSTUDY_HOME, ../share/understudy beside an
// installed program, or the source tree that it was built from.
std::filesystem::path HomeFolder();

// Identity of this build: hash of the executable, its shared library and its modules.
std::string ProgramHash();

}  // namespace understudy
