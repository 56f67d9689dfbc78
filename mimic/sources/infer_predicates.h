#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/episode/episode.h"
#include "core/spec/task_spec.h"
#include "mimic/sources/grasp_evidence.h"

namespace understudy {

// Truth of a predicate at an instant, as far as it is known.
enum class Truth : int8_t { kUnknown = -1, kFalse = 0, kTrue = 1 };

// What is inferred of one predicate.
struct InferredPredicate {
  std::vector<Truth> values;           // per instant: rows, and the one after the last action
  double confidence = 1;               // 1: follows from poses alone; 0: unknown throughout
  bool ambiguous = false;              // a grasp that it rests on may be of another object
  std::map<int, std::string> because;  // by the instant from which it holds: why, in words
  std::string unknown;                 // why it is not known everywhere, in words
};

// Asks the predicates of `task` about a demonstration without a simulator, by name. in_box and
// upright follow from poses. grasped and released follow from InferGrasps, on_top from where the
// object comes to rest: unheld and still above its support, it must lie on it. all, any and not
// are those of three-valued logic (Kleene 1938), held counts rows. joint and contact are unknown.
std::map<std::string, InferredPredicate> InferPredicates(const TaskSpec& task,
                                                         const Episode& episode,
                                                         const std::vector<InferredGrasp>& grasps);

}  // namespace understudy
