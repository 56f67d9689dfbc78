#pragma once

#include <vector>

#include "data/base/rng.h"
#include "data/geometry/pose.h"
#include "data/spec/task_spec.h"

namespace understudy {

// What selection knows of a source demonstration for one subtask.
struct Candidate {
  Pose X_WO;               // the reference object at the segment's start; unused without one
  std::vector<Pose> X_WE;  // measured arms there
};

// The world at the start of the subtask.
struct SelectionScene {
  bool has_object = false;
  Pose X_WO;               // reference object
  int symmetry = 1;        // TaskObject::symmetry
  std::vector<Pose> X_WE;  // where the arms stand (their last targets, if any)
};

struct Choice {
  int source = 0;    // place in the candidates
  double turn = 0;   // rad: symmetric turn of the source's object to transform with
  double score = 0;  // of the strategy, lower is better; 0 for random
};

// Picks the source demonstration of a subtask. The metrics add metres and radians only after
// dividing each by its scale; objects are compared up to their symmetry, and the turn that compares
// best comes with the choice. With nearest_robot the best turn is the one with least travel.
// Among the k best (ties: first come first) it draws uniformly from `rng`; one draw per call.
Choice SelectSource(const Selection& selection, const std::vector<Candidate>& candidates,
                    const SelectionScene& scene, Rng& rng);

}  // namespace understudy
