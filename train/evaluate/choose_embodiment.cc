#include "train/evaluate/choose_embodiment.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "core/base/error.h"
#include "train/evaluate/evaluate.h"

namespace understudy {
namespace {

std::string Text(const std::vector<EmbodimentColumn>& columns) {
  std::vector<std::string> texts;
  for (const EmbodimentColumn& c : columns) texts.push_back(fmt::format("{} ({})", c.name, c.size));
  return fmt::format("{}", fmt::join(texts, ", "));
}

// The slot of a name; none: no name is given.
std::optional<size_t> SlotNamed(const PolicyConfig& config, const std::string& policy,
                                const std::string& name) {
  if (name.empty()) return std::nullopt;
  std::vector<std::string> known;
  for (const PolicyEmbodiment& one : config.Embodiments()) known.push_back(one.name);
  const auto found = std::ranges::find(known, name);
  if (found == known.end()) {
    ThrowBadInput(fmt::format("{}: {}", policy, UnknownName("embodiment", name, known)));
  }
  return static_cast<size_t>(found - known.begin());
}

// The only slot of which `mismatches` says nothing.
size_t OnlyFit(const PolicyConfig& config, const std::string& policy, const std::string& other,
               const std::function<std::vector<std::string>(const PolicyConfig&)>& mismatches) {
  std::vector<std::string> fit, reasons;
  size_t slot = 0;
  for (size_t s = 0; s < config.embodiments.size(); ++s) {
    const std::string& name = config.embodiments[s].name;
    const std::vector<std::string> problems = mismatches(config.For(s));
    if (problems.empty()) {
      fit.push_back(name);
      slot = s;
    } else {
      reasons.push_back(fmt::format("'{}': {}", name, fmt::join(problems, ", ")));
    }
  }
  if (fit.size() == 1) return slot;
  if (fit.empty()) {
    ThrowBadInput(fmt::format("{}: none of its {} embodiments fits {}: {}", policy,
                              config.embodiments.size(), other, fmt::join(reasons, "; ")));
  }
  ThrowBadInput(fmt::format("{}: embodiments '{}' all fit {}: say which by --embodiment", policy,
                            fmt::join(fit, "', '"), other));
}

}  // namespace

InputOptions InputsOf(const PolicyConfig& config) {
  InputOptions inputs;
  inputs.cameras = config.cameras;
  inputs.pictures = !config.cameras.empty();
  if (!config.embodiment.of_columns()) {
    inputs.actions = config.embodiment.of_joints() ? ActionKind::kJoints : ActionKind::kPose;
  }
  for (const EmbodimentColumn& column : config.embodiment.state_columns) {
    inputs.state_columns.push_back(column.name);
  }
  for (const EmbodimentColumn& column : config.embodiment.action_columns) {
    inputs.action_columns.push_back(column.name);
  }
  if (!config.cameras.empty()) {
    inputs.image_width = config.layout.width;
    inputs.image_height = config.layout.height;
  }
  return inputs;
}

std::vector<std::string> Differences(const Embodiment& policy, const Embodiment& data) {
  std::vector<std::string> problems;
  const auto differ = [&](const char* what, const auto& wanted, const auto& found) {
    if (wanted == found) return;
    problems.push_back(fmt::format("{}: the policy has {}, the dataset {}", what, wanted, found));
  };
  differ("action meaning", policy.action_meaning, data.action_meaning);
  differ("state", Text(policy.state_columns), Text(data.state_columns));
  differ("action", Text(policy.action_columns), Text(data.action_columns));
  if (policy.of_joints() && data.of_joints()) {
    differ("joints", fmt::format("{}", fmt::join(policy.joints, ", ")),
           fmt::format("{}", fmt::join(data.joints, ", ")));
  }
  if (!policy.of_columns()) {
    differ("arms", policy.arms.size(), data.arms.size());
    differ("finger joints", policy.gripper_joints, data.gripper_joints);
  }
  return problems;
}

PolicyConfig ChooseEmbodiment(const PolicyConfig& config, const std::string& policy,
                              const std::string& name, const SimulatorInfo& simulator) {
  const std::optional<size_t> named = SlotNamed(config, policy, name);
  if (config.embodiments.empty()) return config;
  return config.For(named ? *named
                          : OnlyFit(config, policy, fmt::format("task '{}'", simulator.task),
                                    [&](const PolicyConfig& one) {
                                      return Mismatches(one.Info(""), simulator);
                                    }));
}

PolicyConfig ChooseEmbodiment(const PolicyConfig& config, const std::string& policy,
                              const std::string& name, const std::string& dataset,
                              const SelectionOptions& selection, const ReadOptions& read) {
  const std::optional<size_t> named = SlotNamed(config, policy, name);
  if (config.embodiments.empty()) return config;
  if (named) return config.For(*named);
  Progress quiet;
  // as a training would take it, where that was one's data
  try {
    InputOptions inputs;
    inputs.pictures = false;
    const Embodiment data = EmbodimentOfDataset(dataset, inputs, selection, quiet, read);
    for (size_t slot = 0; slot < config.embodiments.size(); ++slot) {
      if (SameColumns(config.embodiments[slot].embodiment, data)) return config.For(slot);
    }
  } catch (const Error&) {
    // it does not say what its columns are: the policy may
  }
  return config.For(OnlyFit(config, policy, dataset, [&](const PolicyConfig& one) {
    try {
      const Embodiment data = EmbodimentOfDataset(dataset, InputsOf(one), selection, quiet, read);
      std::vector<std::string> problems = Differences(one.embodiment, data);
      if (one.embodiment.robot != data.robot) {
        problems.push_back(fmt::format("robot: the policy has '{}', the dataset '{}'",
                                       one.embodiment.robot, data.robot));
      }
      return problems;
    } catch (const Error& error) {
      // it has not the columns, say
      return std::vector<std::string>{error.what()};
    }
  }));
}

}  // namespace understudy
