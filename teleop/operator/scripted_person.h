#pragma once

#include <string>
#include <vector>

#include "teleop/operator/scripted_operator.h"

namespace understudy {

// Every hand of the operator, each at its own work at the same time. One thread.
class ScriptedPerson {
 public:
  // As ScriptedOperator. One hand alone is a ScriptedOperator with the same key.
  ScriptedPerson(const OperatorSpec& spec, const TaskSpec& task, const SimulatorInfo& info,
                 const RngKey& key, const OperatorSkill& skill = {});

  // As ScriptedOperator::TakeOver, of every hand.
  void TakeOver(const Observation& now);

  // A hand and the arm that it leads.
  struct Led {
    int arm = 0;
    HandTarget hand;
  };
  // The hands at `now_ns`, in the order of the specification. The first one presses start; whoever
  // gives up presses discard.
  std::vector<Led> Move(const Observation& observation, int64_t now_ns);

  bool gave_up() const;
  // Of the hand that gave up, else of every one that has not finished, the arms named where there
  // are several; as ScriptedOperator::Account.
  std::string Account(const Observation& observation) const;
  const std::vector<ScriptedOperator>& hands() const { return hands_; }

 private:
  std::vector<int> arms_;
  std::vector<std::string> names_;  // of these arms
  std::vector<ScriptedOperator> hands_;
};

}  // namespace understudy
