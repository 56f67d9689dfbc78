#pragma once

#include "core/base/json.h"
#include "core/episode/episode.h"
#include "data/store/episode_columns.h"
#include "data/store/hdf5/group.h"

namespace understudy {

// All of an episode but its pictures, compared with the hashes that were stored with it.
struct CheckedEpisode {
  EpisodeMeta meta;
  ReadBefore columns;
};

// Throws Error(kBadInput) naming the file and the column that differs, or the episode where its
// attributes do.
CheckedEpisode ReadChecked(const h5::Group& demo);

// Compares header, masks, attempts and the list of episodes with the content hash of the dataset;
// throws as above.
void CheckWhole(const h5::Group& root);

}  // namespace understudy
