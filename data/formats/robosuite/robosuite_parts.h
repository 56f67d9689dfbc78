#pragma once

// What the readers of robosuite's own files and of LIBERO's share.

#include "core/episode/episode.h"
#include "core/seam/dataset_header.h"
#include "data/store/hdf5/group.h"
#include "data/store/read_options.h"

namespace understudy::foreign {

// Rate, robot, limits, instruction, arms, objects, signals, pictures and width of the states, as
// env_args and robosuite's names of columns tell them.
void FillRobosuiteHeader(const h5::Group& root, const h5::Group& demo, const ReadOptions& options,
                         DatasetHeader* header);
// States of the simulator, and its clock. Episodes without `states` have none.
void ReadRobosuiteStates(const h5::Group& demo, Episode* episode);
// Deltas and targets, for an episode that has the poses of its arms. What is not understood is said
// in settings[kActionsAre].
void ReadRobosuiteActions(const h5::Group& demo, const DatasetHeader& header, Episode* episode);

}  // namespace understudy::foreign
