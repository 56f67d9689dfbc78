#include "train/samples/dataset_embodiment.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/base/error.h"

namespace understudy {
namespace {

// The first row of an episode where it knows pose and target of all arms, and all have as many
// finger joints.
std::optional<Step> KnownArms(const EpisodeSource& source, size_t episode) {
  const SimulatorInfo& info = source.header().simulator;
  if (info.arms.empty()) return std::nullopt;
  Step step = source.ReadEpisode(episode).steps.at(0);
  const std::vector<ArmObservation>& arms = step.observation.arms;
  if (arms.size() != info.arms.size() || step.action.arms.size() != arms.size()) {
    return std::nullopt;
  }
  for (const ArmObservation& arm : arms) {
    if (arm.gripper_q.size() != arms[0].gripper_q.size()) return std::nullopt;
  }
  return step;
}

// Whether every arm has a target of every joint, and all have as many joints.
bool KnowsJoints(const Step& step) {
  const Eigen::Index joints = step.observation.arms[0].joint_q.size();
  for (size_t a = 0; a < step.action.arms.size(); ++a) {
    if (step.observation.arms[a].joint_q.size() != joints ||
        step.action.arms[a].q_cmd.size() != joints) {
      return false;
    }
  }
  return joints > 0;
}

// Names of the joints, arm by arm.
std::vector<std::string> JointNames(const SimulatorInfo& info, size_t per_arm) {
  std::vector<std::string> names;
  for (size_t a = 0; a < info.arms.size(); ++a) {
    const bool named = a < info.joint_names.size() && info.joint_names[a].size() == per_arm;
    for (size_t j = 0; j < per_arm; ++j) {
      names.push_back(named ? info.joint_names[a][j]
                            : fmt::format("{}_joint{}", info.arms[a], j + 1));
    }
  }
  return names;
}

std::vector<EmbodimentColumn> ColumnsNamed(const std::vector<std::string>& names,
                                           const std::vector<ColumnSpec>& listed,
                                           const std::string& path) {
  std::vector<std::string> known;
  for (const ColumnSpec& column : listed) known.push_back(column.name);
  std::vector<EmbodimentColumn> result;
  for (const std::string& name : names) {
    const auto found = std::find(known.begin(), known.end(), name);
    if (found == known.end()) ThrowBadInput(path + ": " + UnknownName("column", name, known));
    const ColumnSpec& column = listed[static_cast<size_t>(found - known.begin())];
    result.push_back({name, static_cast<int>(column.size()), column.parts});
  }
  return result;
}

std::vector<std::string> NamesOf(ColumnRole role, const std::vector<ColumnSpec>& listed) {
  std::vector<std::string> names;
  for (const ColumnSpec& column : listed) {
    if (column.role == role) names.push_back(column.name);
  }
  return names;
}

}  // namespace

Embodiment EmbodimentOf(const EpisodeSource& source, size_t episode, const InputOptions& inputs,
                        Progress& progress) {
  Embodiment result = MakeEmbodiment(source.header().simulator);
  const bool asked = !inputs.state_columns.empty() || !inputs.action_columns.empty();
  const std::string path = source.path().string();
  const std::optional<Step> step = asked ? std::nullopt : KnownArms(source, episode);
  if (step) {
    const ArmObservation& arm = step->observation.arms[0];
    const bool known = KnowsJoints(*step);
    result.gripper_joints = static_cast<int>(arm.gripper_q.size());
    if (known && inputs.actions != ActionKind::kPose) {
      result.action_meaning = kRelativeJoints;
      result.joints =
          JointNames(source.header().simulator, static_cast<size_t>(arm.joint_q.size()));
    }
    return result;
  }
  const std::vector<ColumnSpec> listed = source.ListColumns();
  const auto choose = [&](const char* option, const std::vector<std::string>& given,
                          ColumnRole role) {
    const std::vector<std::string> names = given.empty() ? NamesOf(role, listed) : given;
    if (names.empty()) {
      std::vector<std::string> known;
      for (const ColumnSpec& column : listed) known.push_back(column.name);
      ThrowBadInput(fmt::format(
          "{}: it does not say which of its columns are the {}: give --{}-columns some of {}", path,
          option, option, fmt::join(known, ", ")));
    }
    return ColumnsNamed(names, listed, path);
  };
  result.action_meaning = kStoredColumns;
  result.state_columns = choose("state", inputs.state_columns, ColumnRole::kState);
  result.action_columns = choose("action", inputs.action_columns, ColumnRole::kAction);
  if (!asked) {
    progress.Message(fmt::format(
        "{}: has no pose and target of every arm: the state is {}, the action {}, as they are",
        path, fmt::join(NamesOf(ColumnRole::kState, listed), ", "),
        fmt::join(NamesOf(ColumnRole::kAction, listed), ", ")));
  }
  return result;
}

void RequireArms(const Episode& episode, const Embodiment& embodiment, const std::string& path) {
  for (size_t t = 0; t < episode.length(); ++t) {
    const Step& step = episode.steps[t];
    const std::vector<ArmObservation>& arms = step.observation.arms;
    bool right = arms.size() == embodiment.arms.size() && step.action.arms.size() == arms.size() &&
                 step.action_clean.arms.size() == arms.size();
    for (const ArmObservation& arm : arms) {
      right = right && arm.gripper_q.size() == embodiment.gripper_joints;
    }
    const auto has_joints = [&](const auto& q) {
      return static_cast<size_t>(q.size()) == embodiment.joints_per_arm();
    };
    for (size_t a = 0; embodiment.of_joints() && right && a < arms.size(); ++a) {
      right = has_joints(arms[a].joint_q) && has_joints(step.action.arms[a].q_cmd) &&
              has_joints(step.action_clean.arms[a].q_cmd);
    }
    if (right) continue;
    ThrowBadInput(fmt::format(
        "{}: {}, row {}: has other arms, joints or targets than the first row ({} arms of {}{} "
        "finger joints)",
        path, episode.meta.name, t, embodiment.arms.size(),
        embodiment.of_joints() ? fmt::format("{} joints and ", embodiment.joints_per_arm()) : "",
        embodiment.gripper_joints));
  }
}

}  // namespace understudy
