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

}  // namespace understudy
