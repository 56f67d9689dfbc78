#pragma once

// Files of robomimic, MimicGen and Isaac Lab: no /understudy group.

#include "data/store/dataset.h"
#include "data/store/hdf5.h"

namespace understudy {

// What env_args, names and shapes of the first episode tell.
DatasetHeader ForeignHeader(const h5::Group& root);
// As far as it can be read: actions, states, robosuite's observations, MimicGen's object poses and
// signals. Absolute targets come from `actions_abs`, else from observed pose and delta with
// robosuite's limits. There is no state after the last action.
Episode ReadForeignEpisode(const h5::Group& demo, const DatasetHeader& header);

}  // namespace understudy
