#include "mimic/watch.h"

#include <algorithm>

#include "data/base/error.h"

namespace understudy {
namespace {

// The arm whose grasp predicate `name` asks for (alone, in a conjunction or held); -1: none.
int GraspArm(const TaskSpec& task, const std::string& name) {
  const auto found = task.predicates.find(name);
  if (found == task.predicates.end()) return -1;
  if (const auto* grasped = std::get_if<GraspedPredicate>(&found->second)) return grasped->arm;
  if (const auto* held = std::get_if<HeldPredicate>(&found->second))
    return GraspArm(task, held->of);
  if (const auto* all = std::get_if<AllPredicate>(&found->second)) {
    for (const std::string& operand : all->of) {
      if (const int arm = GraspArm(task, operand); arm >= 0) return arm;
    }
  }
  return -1;
}

}  // namespace

SubtaskWatch::SubtaskWatch(const TaskSpec& task, const SimulatorInfo& info) {
  for (const Subtask& subtask : task.subtasks) {
    Condition condition;
    condition.is_check = !subtask.check.empty();
    condition.name = condition.is_check ? subtask.check : subtask.signal;
    if (!condition.name.empty()) {
      const auto found = std::find(info.signals.begin(), info.signals.end(), condition.name);
      Require(found != info.signals.end() || condition.name == task.success,
              "the simulator gives a signal for every subtask's check: " + condition.name);
      if (found != info.signals.end())
        condition.signal = static_cast<int>(found - info.signals.begin());
      condition.grasp_arm = GraspArm(task, condition.name);
      Require(condition.grasp_arm < static_cast<int>(info.arms.size()), "a grasp names an arm");
    }
    conditions_.push_back(condition);
  }
}

bool SubtaskWatch::Value(const Condition& condition, const Observation& observation) const {
  return condition.signal >= 0 ? observation.signals[condition.signal] != 0 : observation.success;
}

void SubtaskWatch::Begin(size_t subtask) {
  subtask_ = subtask;
  risen_ = false;
}

std::string SubtaskWatch::Step(const Observation& observation, const Action& command,
                               int patience) {
  const Condition& running = conditions_[subtask_];
  if (!running.name.empty()) risen_ |= Value(running, observation);

  // an opened gripper lets go on purpose
  std::erase_if(held_, [&](const Held& held) {
    return command.arms[conditions_[held.subtask].grasp_arm].gripper <= 0;
  });
  for (Held& held : held_) {
    const Condition& condition = conditions_[held.subtask];
    held.missing = Value(condition, observation) ? 0 : held.missing + 1;
    if (held.missing > patience) return condition.name;
  }
  return "";
}

bool SubtaskWatch::Holds(const Observation& observation) const {
  const Condition& condition = conditions_[subtask_];
  if (condition.name.empty()) return true;
  return condition.is_check ? Value(condition, observation) : risen_;
}

void SubtaskWatch::End() {
  if (is_grasp()) held_.push_back({subtask_, 0});
}

bool SubtaskWatch::is_grasp() const { return conditions_[subtask_].grasp_arm >= 0; }

const std::string& SubtaskWatch::condition() const { return conditions_[subtask_].name; }

}  // namespace understudy
