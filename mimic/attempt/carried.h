#pragma once

#include <vector>

#include "mimic/attempt/transform.h"
#include "mimic/sources/source_set.h"

namespace understudy {

// What a hand holds from an earlier subtask.
struct Carried {
  int object = -1;  // place among the objects; -1: nothing
  int symmetry = 1;
  Pose X_EH;  // in the hand, now
};

// Our hands in those of `demo` at row `t`, so that what they hold goes the same way.
std::vector<Pose> HandChanges(const std::vector<Carried>& carried, const SourceDemo& demo, int t);

// Hands changed and then turned about their z, rad per arm.
std::vector<Pose> Turned(std::vector<Pose> X_SE, const std::vector<double>& turns);

}  // namespace understudy
