#include "mimic/attempt/watch.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/names.h"

namespace understudy {
SubtaskWatch::SubtaskWatch(const TaskSpec& task, const SimulatorInfo& info) {
  for (const Subtask& subtask : task.subtasks) {
    Condition condition;
    condition.is_check = !subtask.check.empty();
    condition.name = condition.is_check ? subtask.check : subtask.signal;
    if (!condition.name.empty()) {
      condition.signal = IndexOf(info.signals, condition.name);
      Require(condition.signal >= 0 || condition.name == task.success,
              "the simulator gives a signal for every subtask's check: " + condition.name);
      if (const GraspedPredicate* grasp = GraspOf(task, condition.name)) {
        condition.grasp_arm = grasp->arm;
        condition.grasped = grasp->object;
      }
      Require(condition.grasp_arm < static_cast<int>(info.arms.size()), "a grasp names an arm");
    }
    conditions_.push_back(condition);
  }
  risen_.resize(conditions_.size());
  open_.resize(info.arms.size());
}

bool SubtaskWatch::Value(const Condition& condition, const Observation& observation) const {
  return condition.signal >= 0 ? observation.signals[condition.signal] != 0 : observation.success;
}

std::optional<SubtaskWatch::Lost> SubtaskWatch::Step(const Observation& observation,
                                                     const Action& command, int patience) {
  for (size_t i = 0; i < conditions_.size(); ++i) {
    if (conditions_[i].name.empty()) continue;
    risen_[i] = risen_[i] || Value(conditions_[i], observation);
  }

  for (size_t arm = 0; arm < open_.size(); ++arm) open_[arm] = command.arms[arm].gripper <= 0;

  // an opened gripper lets go on purpose
  std::erase_if(held_, [&](const Held& held) {
    return command.arms[conditions_[held.subtask].grasp_arm].gripper <= 0;
  });
  for (Held& held : held_) {
    const Condition& condition = conditions_[held.subtask];
    held.missing = Value(condition, observation) ? 0 : held.missing + 1;
    if (held.missing > patience) return Lost{condition.name, condition.grasp_arm};
  }
  return std::nullopt;
}

bool SubtaskWatch::Holds(size_t subtask, const Observation& observation) const {
  const Condition& condition = conditions_[subtask];
  if (condition.name.empty()) return true;
  const bool let_go = condition.grasp_arm >= 0 && open_[static_cast<size_t>(condition.grasp_arm)];
  return condition.is_check && !let_go ? Value(condition, observation) : risen_[subtask];
}

void SubtaskWatch::End(size_t subtask) {
  const int arm = conditions_[subtask].grasp_arm;
  if (arm >= 0 && !open_[static_cast<size_t>(arm)]) held_.push_back({subtask, 0});
}

std::string SubtaskWatch::held_by(size_t arm) const {
  for (const Held& held : held_) {
    const Condition& condition = conditions_[held.subtask];
    if (condition.grasp_arm == static_cast<int>(arm)) return condition.grasped;
  }
  return "";
}

}  // namespace understudy
