#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/spec/scene_variation.h"
#include "data/store/hdf5/group.h"

namespace understudy {

// `pictures` in the group `understudy` of a dataset: what looks of its episodes show, by the hash
// of the pixels, each once (docs/format.md).

// Adds those of a look that are not there. Nothing is written of a look without pictures.
void StorePictures(const h5::Group& understudy, const SceneVariation& look);
void StorePicture(const h5::Group& understudy, const ShownPicture& picture);

// Says where the pixels of a look's pictures are read from: this file, when they are asked for.
void FindStoredPictures(const std::string& file, SceneVariation* look);

// Hashes of all that the file has, and the pixels of one. Throws Error(kBadInput) where they are
// missing or other ones.
std::vector<std::string> StoredPictures(const h5::Group& understudy);
std::shared_ptr<const Image> ReadStoredPicture(const std::string& file, const std::string& hash,
                                               const std::string& name);

}  // namespace understudy
