#pragma once

#include <string>
#include <vector>

#include "core/seam/simulator.h"
#include "core/spec/task_spec.h"
#include "mimic/sources/source_set.h"

namespace understudy {

// Objects of `variant` that subtasks take and that no source's hand comes to wherever they start:
// attempts would all be out of reach. `margin`: GenerateOptions::reach_margin. A line for each;
// empty: none, or not known (several arms, what an earlier subtask moves).
std::vector<std::string> UnreachableStarts(const SourceSet& sources, const TaskSpec& task,
                                           const std::string& variant, const SimulatorInfo& info,
                                           double margin);

// Where arms of fewer than six joints cannot turn their hands as the sources do: looked at from
// some starts of `variant`. Attempts wait in vain at gripper events of that kind; a push may do its
// work all the same.
struct OrientationCheck {
  std::vector<std::string> never;  // subtasks that no source grips or lets go in from any start: a
                                   // line each
  std::vector<std::string> said;   // from half of the starts or more, and pushes
};
// Not known, and not listed: what an earlier subtask moves. `arrival_angle`:
// GenerateOptions::arrival_angle. Resets `simulator`.
OrientationCheck CheckOrientations(const SourceSet& sources, const TaskSpec& task,
                                   const std::string& variant, Simulator& simulator,
                                   double arrival_angle);

}  // namespace understudy
