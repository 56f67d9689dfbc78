#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/episode/action.h"
#include "core/episode/observation.h"
#include "core/seam/simulator.h"
#include "core/spec/task_spec.h"

namespace understudy {

// Looks at the signals while subtasks are executed: have those that go on come about, and is what
// earlier ones grasped still in the hand?
class SubtaskWatch {
 public:
  // Requires that the simulator gives a signal for every subtask signal and check.
  SubtaskWatch(const TaskSpec& task, const SimulatorInfo& info);

  void Begin(size_t subtask) { risen_[subtask] = false; }
  // A grasp that was lost, and the arm that had it.
  struct Lost {
    std::string name;
    int arm = -1;
  };
  // After every step; `command` is the last command. A grasp that has been missing for
  // more than `patience` steps while its gripper was commanded closed.
  std::optional<Lost> Step(const Observation& observation, const Action& command, int patience);
  // Whether a subtask that has begun may end: its check holds now, or, where it is a grasp whose
  // gripper has been opened since, has held; without one, its signal has been 1 at some step of it;
  // without either, always.
  bool Holds(size_t subtask, const Observation& observation) const;
  // The subtask ended well: what it grasped is held from now on, until the gripper is opened, and
  // not at all where that has happened within the subtask (a handle that was let go).
  void End(size_t subtask);

  // Name of the object that `arm` holds from an earlier subtask; empty: none.
  std::string held_by(size_t arm) const;

  // Whether the condition of the subtask asks for a grasp.
  bool is_grasp(size_t subtask) const { return conditions_[subtask].grasp_arm >= 0; }
  // Name of its check or signal; empty: none.
  const std::string& condition(size_t subtask) const { return conditions_[subtask].name; }

 private:
  struct Condition {
    std::string name;
    int signal = -1;  // place in Observation::signals; -1 with a name: the task's success
    bool is_check = false;
    int grasp_arm = -1;   // arm of the grasp that it asks for; -1: none
    std::string grasped;  // its object
  };
  struct Held {
    size_t subtask = 0;
    int missing = 0;  // steps in a row
  };
  bool Value(const Condition& condition, const Observation& observation) const;

  std::vector<Condition> conditions_;  // per subtask
  std::vector<bool> risen_;            // per subtask: its condition has held since Begin
  std::vector<bool> open_;             // per arm: its gripper was last commanded open
  std::vector<Held> held_;
};

}  // namespace understudy
