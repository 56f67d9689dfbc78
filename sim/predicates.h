#pragma once

#include <mujoco/mujoco.h>

#include <cstdint>
#include <string>
#include <vector>

#include "sim/model_index.h"

namespace understudy {

// Evaluates the predicates of a task on one model; counts how long those have held that must hold
// for a while. `model` and `index` must outlive it. Allocates nothing after construction.
class PredicateEvaluator {
 public:
  PredicateEvaluator(const mjModel& model, const ModelIndex& index, const TaskSpec& task);

  // Evaluates all predicates on `data` (past mj_step1). `advance`: a policy step has passed, so
  // counters advance; otherwise they are only read.
  void Evaluate(const mjData& data, bool advance);

  // Sets all counters to zero.
  void ClearCounters();

  size_t count() const { return nodes_.size(); }
  const std::vector<double>& counters() const { return counters_; }
  void set_counters(const double* counters) { counters_.assign(counters, counters + count()); }

  bool value(int predicate) const { return values_[predicate] != 0; }
  // Place of a predicate in the order of evaluation; requires that there is one of this name.
  int IndexOf(const std::string& name) const;

 private:
  struct Node {
    std::string name;
    Predicate predicate;
    int first = -1, second = -1;  // bodies, or a joint's address
    std::vector<int> operands;    // places of other predicates, all before this one
  };
  bool Ask(const Node& node, size_t place, const mjData& data, bool advance);
  // Whether some contact is between a geom of `body`, or of what hangs from it, and one for which
  // `other` holds.
  template <class F>
  bool Touches(const mjData& data, int body, const F& other) const;

  const mjModel& model_;
  const ModelIndex& index_;
  std::vector<Node> nodes_;  // in an order in which operands come first
  std::vector<uint8_t> values_;
  std::vector<double> counters_;  // policy steps that a held predicate's operand has held
};

}  // namespace understudy
