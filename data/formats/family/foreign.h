#pragma once

// Files of robomimic, MimicGen and Isaac Lab: no /understudy group. docs/data.md says what each
// format holds.

#include <string>

#include "core/episode/episode.h"
#include "data/formats/family/translate.h"
#include "data/store/hdf5/hdf5.h"
#include "data/store/header.h"

namespace understudy {

// Names are DatasetHeader::stage of such a file.
enum class ForeignFormat { kRobomimic, kMimicgenSource, kMimicgenGenerated, kIsaacLab };
const char* NameOf(ForeignFormat format);

// What env_args, names and shapes of the first episode tell. `settings` holds `env_args` and, for
// Isaac Lab, `quaternions` (wxyz, xyzw, or unknown).
DatasetHeader ForeignHeader(const h5::Group& root);

// What is known of an episode before its rows are read.
struct ForeignFacts {
  bool success = false;
  std::string success_from;  // how that is known
  std::string uuid;          // its own, or made of its content; empty where that cannot be read
};
ForeignFacts ReadForeignFacts(const h5::Group& demo, const DatasetHeader& header);

// As far as it can be read. Poses are of the frame that the file gives: meta.settings says in
// `pose_from` and `target_from` which. An episode without a state after its last action has an
// empty final_observation (but for `success`). Throws Error(kBadInput).
Episode ReadForeignEpisode(const h5::Group& demo, const DatasetHeader& header);

}  // namespace understudy
