#pragma once

#include <vector>

#include "core/spec/scene_file.h"
#include "data/store/hdf5/group.h"

namespace understudy {

// `scene` in the group `understudy` of a dataset: contents by hash, each once, and the list of
// paths (docs/format.md). Nothing is written of no files.
void WriteSceneFiles(const h5::Group& understudy, const std::vector<SceneFile>& files);

// The list; a file is opened again when its content is read.
std::vector<SceneFile> ReadSceneFiles(const h5::Group& understudy);

}  // namespace understudy
