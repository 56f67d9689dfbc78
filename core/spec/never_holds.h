#pragma once

#include <string>
#include <vector>

#include "core/spec/task_spec.h"

namespace understudy {

// The predicates that a predicate names.
std::vector<std::string> OperandsOf(const Predicate& predicate);

// A line for each predicate that the task waits for (success, signals, checks) and that no scene
// fulfils within its horizon: an empty box or range, or what excludes itself. Requires that
// references lead somewhere, and not in a circle. Empty: none, as far as is known without the
// scene.
std::vector<std::string> NeverHold(const TaskSpec& task);

}  // namespace understudy
