#pragma once

// What a file of robomimic's family holds is seen by its first episodes.

#include <optional>
#include <vector>

#include "core/base/json.h"
#include "data/formats/family/foreign_source.h"
#include "data/store/hdf5/group.h"

namespace understudy::foreign {

// The first episodes that have rows.
std::vector<h5::Group> FirstEpisodes(const h5::Group& data);

// One of them that has the names of objects and signals, and the observations, that most have, of
// those that are of the dialect; so that one odd episode does not speak for all.
std::optional<h5::Group> TypicalEpisode(const Dialect& dialect, const h5::Group& data,
                                        const Json& env);

}  // namespace understudy::foreign
