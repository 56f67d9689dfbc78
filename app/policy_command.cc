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

enum class PolicyFormat { kLerobot };

}  // namespace
template <>
struct EnumNames<PolicyFormat> {
  static constexpr std::array kNames{"lerobot"};
};
namespace {

const char* ExportHelp() {
  static const std::string help = [] {
    std::vector<std::string> types;
    for (const PolicyType& type : PolicyTypes()) {
      if (type.write_lerobot) types.push_back("`" + type.name + "`");
    }
    return fmt::format("format: lerobot = pretrained_model folder of LeRobot 0.4, of policies {}",
                       fmt::join(types, ", "));
  }();
  return help.c_str();
}

struct ExportFlags {
  std::string checkpoint;
  PolicyFormat to = PolicyFormat::kLerobot;
  std::string out;
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
        return ExportPolicy(flags.checkpoint, flags.out, context.plan);
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
