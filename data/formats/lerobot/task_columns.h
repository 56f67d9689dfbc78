#pragma once

#include <string>
#include <vector>

#include "data/formats/lerobot/lerobot_folder.h"

namespace understudy {

// Whether the numbers of a feature are those of texts in the list of tasks: task_index, GR00T's
// annotations.
bool IsTaskNumber(const LerobotFeature& feature);

// Per feature of the folder, whether its numbers say which task the rows of an episode are of:
// task_index, the annotation that describes the task, and every other one that has the task's text
// in every row. GR00T's annotation.human.validity says something else. `values` per feature.
std::vector<bool> TellsTask(const LerobotFolder& folder,
                            const std::vector<std::vector<double>>& values);

}  // namespace understudy
