#include "app/cli.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <memory>

#include "app/outline.h"
#include "app/terminal_progress.h"
#include "core/base/error.h"

namespace understudy {
namespace {

// "max_linear_delta" → "--max-linear-delta"
std::string FlagName(const std::string& path) {
  std::string flag = "--" + path;
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

bool IsSwitch(const FieldInfo& field) { return field.form == ValueForm::kSwitch && !field.is_list; }

std::string FieldHelp(const FieldInfo& field) {
  std::string help = field.doc;
  if (!field.choices.empty()) help += fmt::format(" ({})", fmt::join(field.choices, ", "));
  const std::string value = field.default_value.is_structured() && field.default_value.empty()
                                ? ""
                                : field.default_value.dump();
  if (field.required) {
    help += " (required)";
  } else if (!value.empty() && value != "\"\"" && value.size() < 60) {
    help += fmt::format(" [{}]", value);
  }
  return help;
}

// Everything that the command line says about one command.
struct Invocation {
  const Command* command = nullptr;
  CLI::App* app = nullptr;
  std::map<std::string, std::vector<std::string>> flags;  // by field path
  std::map<std::string, bool> switches;
  std::vector<std::string> positional;
  std::vector<std::string> sets;
  std::string config;
  bool json = false, plan = false, print_config = false, quiet = false;
};

// One flag per option field, and the switches that every command has.
void AddFlags(Invocation& call) {
  CLI::App& app = *call.app;
  for (const FieldInfo& field : call.command->fields) {
    const std::string flag = FlagName(field.path);
    if (IsSwitch(field)) {
      const std::string both = flag + ",!--no-" + flag.substr(2);
      app.add_flag(both, call.switches[field.path], FieldHelp(field));
    } else {
      CLI::Option* option = app.add_option(flag, call.flags[field.path], FieldHelp(field));
      option->expected(1, field.is_list ? 1 << 20 : 1);
      // a flag of one word leaves the words behind it alone
      option->allow_extra_args(field.is_list);
      option->type_name(fmt::format("{}{}{}", field.form == ValueForm::kNumber ? "NUMBER" : "VALUE",
                                    field.unit.empty() ? "" : " (" + field.unit + ")",
                                    field.is_list ? " ..." : ""));
    }
  }
  if (!call.command->positional.empty()) {
    app.add_option(
           call.command->positional[0] + "_", call.positional,
           fmt::format("{}, without their flags", fmt::join(call.command->positional, ", ")))
        ->expected(0, 1 << 20);
  }
  app.add_option("--config", call.config, "YAML or JSON file of options");
  app.add_option("--set", call.sets, "path=value, for any option, nested ones too")
      ->type_name("PATH=VALUE");
  app.add_flag("--print-config", call.print_config,
               "print the resolved options and where each came from; run nothing");
  app.add_flag("--plan", call.plan,
               "say what would be done, and what it costs where that can be known; do nothing");
  app.add_flag("--json", call.json, "result as JSON on stdout");
  app.add_flag("--quiet", call.quiet, "no progress");
}

// A flag with the names of options as files write them: "--generate.gates.max_speed=1" is
// "--generate.gates.max-speed=1".
std::string WithDashes(std::string word) {
  if (!word.starts_with("--")) return word;
  const auto end =
      word.begin() + static_cast<std::ptrdiff_t>(std::min(word.find('='), word.size()));
  std::replace(word.begin(), end, '_', '-');
  return word;
}

// The first flag that a parsed command does not know, with the nearest one that it knows; empty:
// none.
std::string UnknownFlag(const Invocation& call) {
  if (!call.app->parsed()) return "";
  std::vector<std::string> known;
  for (const CLI::Option* option : call.app->get_options()) {
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  }
  for (const std::string& word : call.app->remaining()) {
    if (!word.starts_with("--")) continue;
    const std::string flag = word.substr(0, word.find('='));
    const std::string nearest = Nearest(flag, known);
    return fmt::format("unknown option {}{} (--help lists all)", flag,
                       nearest.empty() ? "" : ": did you mean " + nearest + "?");
  }
  return "";
}

// A flag's words as the JSON of its field: text as it stands, everything else as YAML; lists from
// several words or from one in brackets.
Json FlagValue(const FieldInfo& field, const std::vector<std::string>& words) {
  const auto one = [&](const std::string& word) -> Json {
    if (field.form == ValueForm::kText) return word;
    return ParseYaml(word, FlagName(field.path));
  };
  if (!field.is_list) return one(words.back());
  Json list = Json::array();
  for (const std::string& word : words) {
    const Json value =
        word.starts_with('[') ? ParseYaml(word, FlagName(field.path)) : Json::array({one(word)});
    list.insert(list.end(), value.begin(), value.end());
  }
  return list;
}

std::vector<std::pair<std::string, Json>> ValuesOf(const Invocation& call) {
  std::vector<std::pair<std::string, Json>> values;
  const Command& command = *call.command;
  // words without a flag fill the positional fields; the last one takes what is left over
  for (size_t i = 0; i < call.positional.size(); ++i) {
    const size_t slot = std::min(i, command.positional.size() - 1);
    const std::string& path = command.positional[slot];
    const bool list = command.defaults.contains(path) && command.defaults[path].is_array();
    if (!list && i != slot)
      ThrowUsage(
          fmt::format("{}: one '{}' too many: '{}'", command.name, path, call.positional[i]));
    if (list && !values.empty() && values.back().first == path) {
      values.back().second.push_back(call.positional[i]);
    } else {
      values.emplace_back(path,
                          list ? Json::array({call.positional[i]}) : Json(call.positional[i]));
    }
  }
  for (const FieldInfo& field : command.fields) {
    const CLI::Option* option = call.app->get_option(FlagName(field.path));
    if (option->count() == 0) continue;
    values.emplace_back(field.path, IsSwitch(field) ? Json(call.switches.at(field.path))
                                                    : FlagValue(field, call.flags.at(field.path)));
  }
  for (const std::string& set : call.sets) {
    const size_t equals = set.find('=');
    if (equals == std::string::npos) ThrowUsage("--set " + set + ": must be path=value");
    values.emplace_back(set.substr(0, equals), ParseYaml(set.substr(equals + 1), "--set " + set));
  }
  return values;
}

void PrintConfig(const ResolvedOptions& resolved, const std::string& prefix, const Json& json) {
  for (const auto& [key, value] : json.items()) {
    const std::string path = prefix.empty() ? key : prefix + "." + key;
    if (value.is_object() && !value.empty()) {
      PrintConfig(resolved, path, value);
      continue;
    }
    std::string origin = "default";
    // the nearest enclosing path that somebody set
    for (std::string at = path; !at.empty();) {
      if (const auto found = resolved.origin.find(at); found != resolved.origin.end()) {
        origin = found->second;
        break;
      }
      const size_t dot = at.rfind('.');
      at = dot == std::string::npos ? "" : at.substr(0, dot);
    }
    std::cout << fmt::format("{}: {}   # {}\n", path, value.dump(), origin);
  }
}

int RunInvocation(const Invocation& call) {
  const ResolvedOptions resolved = ResolveOptions(*call.command, call.config, ValuesOf(call));
  if (call.print_config) {
    PrintConfig(resolved, "", resolved.options);
    return 0;
  }
  TerminalProgress progress(call.quiet);
  CommandContext context{.progress = &progress, .plan = call.plan};
  const Json result = RunCommand(*call.command, resolved.options, context);
  if (result.is_null()) return InterruptRequested() ? 1 : 0;  // another process speaks
  const auto& describe = call.plan ? call.command->describe_plan : call.command->describe;
  if (call.json) {
    std::cout << result.dump(2) << std::endl;
  } else {
    std::cout << (describe ? describe(result) : Outline(result)) << std::flush;
  }
  if (!std::cout) ThrowFailed("stdout: could not be written");
  // a command may run well and still have bad news: faults found, replay not exact
  if (InterruptRequested()) return 1;
  return result.is_object() && result.value("failed", false) ? 1 : 0;
}

extern "C" void OnInterrupt(int signal) {
  // the first asks long loops to stop at a whole result, the second ends the program
  if (InterruptRequested()) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
  RequestInterrupt();
}

}  // namespace

ResolvedOptions ResolveOptions(const Command& command, const std::string& config_file,
                               const std::vector<std::pair<std::string, Json>>& values) {
  ResolvedOptions resolved{command.defaults, {}};
  Json given = Json::object();
  if (!config_file.empty()) {
    const Json file = LoadYaml(config_file);
    if (!file.is_object()) ThrowBadInput(config_file + ": must be a mapping of options");
    given = file;
    for (const auto& [key, value] : file.items()) {
      resolved.options[key] = value;
      resolved.origin[key] = "file " + config_file;
    }
    try {
      command.resolve(resolved.options);
    } catch (const Error& error) {
      ThrowBadInput(fmt::format("{}: {}", config_file, error.what()));
    }
  }
  for (const auto& [path, value] : values) {
    SetByPath(resolved.options, path, value);
    SetByPath(given, path, value);
    resolved.origin[path] = "command line";
  }
  try {
    for (const std::string& path : LayPreset(command, given, &resolved.options)) {
      resolved.origin[path] = "preset";
    }
    resolved.options = command.resolve(resolved.options);
  } catch (const Error& error) {
    ThrowUsage(error.what());
  }
  return resolved;
}

int RunCommandLine(int argc, char** argv) {
  const std::vector<Command> commands = AllCommands();
  CLI::App app("Understudy: from a few demonstrations in VR to a trained and tested robot policy");
  app.name("understudy");
  app.require_subcommand(1);
  app.set_version_flag("--version", ProgramVersion());
  app.footer(
      "Exit codes: 0 done, 1 ran and failed, 2 usage, 3 bad input.\n"
      "Every command: --help, --print-config, --set path=value, --json.");
  app.set_help_all_flag("--help-all", "help of every command");

  // two-word commands share a parent: a command of that name, or one that only groups them
  std::vector<std::unique_ptr<Invocation>> calls;
  std::map<std::string, CLI::App*> groups;
  for (const Command& command : commands) {
    CLI::App* parent = &app;
    std::string word = command.name;
    if (const size_t space = word.find(' '); space != std::string::npos) {
      const std::string group = word.substr(0, space);
      if (!groups.contains(group)) {
        groups[group] = app.add_subcommand(
            group, group == "policy" ? "work on trained policies" : "work on datasets");
        groups[group]->require_subcommand(1);
      }
      parent = groups[group];
      word = word.substr(space + 1);
    }
    auto call = std::make_unique<Invocation>();
    call->command = &command;
    call->app = parent->add_subcommand(word, command.summary);
    if (parent == &app) groups[word] = call->app;
    AddFlags(*call);
    calls.push_back(std::move(call));
  }

  // CLI11 would only say that a command is missing
  if (argc > 1 && argv[1][0] != '-') {
    std::vector<std::string> known;
    for (const Command& command : commands)
      known.push_back(command.name.substr(0, command.name.find(' ')));
    known.erase(std::unique(known.begin(), known.end()), known.end());
    if (std::find(known.begin(), known.end(), argv[1]) == known.end()) {
      std::cerr << "understudy: " << UnknownName("command", argv[1], known) << std::endl;
      return 2;
    }
  }
  // CLI11 takes the words from the back
  std::vector<std::string> words;
  for (int i = argc - 1; i > 0; --i) words.push_back(WithDashes(argv[i]));
  try {
    app.parse(words);
  } catch (const CLI::ExtrasError& error) {
    for (const auto& call : calls) {
      const std::string unknown = UnknownFlag(*call);
      if (unknown.empty()) continue;
      std::cerr << "understudy " << call->command->name << ": " << unknown << std::endl;
      return 2;
    }
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }

  struct sigaction action {};
  action.sa_handler = OnInterrupt;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGUSR1, &action, nullptr);  // Slurm's warning before it stops a job
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a full disk is reported as an error

  for (const auto& call : calls) {
    if (!call->app->parsed() || !call->app->get_subcommands().empty()) continue;
    const std::string who = "understudy " + call->command->name;
    try {
      return RunInvocation(*call);
    } catch (const Error& error) {
      std::cerr << who << ": " << error.what() << std::endl;
      return static_cast<int>(error.kind());
    } catch (const ContractError& error) {
      std::cerr << who << ": this is a bug in Understudy: " << error.what() << std::endl;
      return 1;
    } catch (const std::exception& error) {
      std::cerr << who << ": " << error.what() << std::endl;
      return 1;
    }
  }
  return 2;
}

}  // namespace understudy
