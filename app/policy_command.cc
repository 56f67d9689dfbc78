// policy export: trained policies in other programs' formats.

#include <fmt/format.h>

#include <array>
#include <string>
#include <vector>

#include "app/commands.h"
#include "train/command.h"
#include "train/policies/policies.h"

namespace understudy {
namespace {

const char* ExportHelp() {
  static const std::string help = [] {
    std::vector<std::string> programs;
    for (const PolicyType& type : PolicyTypes()) {
      if (type.write_foreign)
        programs.push_back(fmt::format("{} of `{}`", type.foreign, type.name));
    }
    return fmt::format("program that has the policy's network: {}", fmt::join(programs, ", "));
  }();
  return help.c_str();
}

struct ExportFlags {
  std::string checkpoint;
  std::string to = "lerobot", out;
  template <class V>
  void Visit(V& v) {
    v("checkpoint", checkpoint, "run, checkpoint or pretrained_model folder", kRequired);
    v("to", to, ExportHelp());
    v("out", out, "folder to write, new or empty", kRequired, kOutput);
  }
};

}  // namespace

Command ExportPolicyCommand() {
  Command command = MakeCommand<ExportFlags>(
      "policy export", "write a trained policy for another program",
      [](const ExportFlags& flags, CommandContext& context) {
        return ExportPolicy(flags.checkpoint, flags.to, flags.out, context.plan);
      },
      [](const Json& result) {
        return fmt::format("{}: {} weights; state and action are those of `{}`\n",
                           result["out"].get<std::string>(), result["weights"].dump(),
                           result["action_meaning"].get<std::string>());
      });
  command.positional = {"checkpoint"};
  return command;
}

}  // namespace understudy
