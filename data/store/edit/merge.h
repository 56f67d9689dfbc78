#pragma once

#include <filesystem>
#include <vector>

#include "core/base/json.h"
#include "core/spec/scene_file.h"
#include "data/store/read_options.h"

namespace understudy {

// Joins datasets of equal simulator info: by reference (relative external links) or by copying
// compressed chunks. Episodes are renumbered in order; uuids stay. Atomic. Throws Error(kBadInput)
// if a part of a divided run is missing, doubled or out of order, unless `partial`. `scene_files`
// are those of inputs that carry none; `report` is stored with the result where it says anything.
void MergeDatasets(const std::vector<std::filesystem::path>& inputs,
                   const std::filesystem::path& output, bool by_reference, bool overwrite,
                   const ReadOptions& read = {}, bool partial = false,
                   const std::vector<SceneFile>& scene_files = {},
                   const Json& report = Json::object());

}  // namespace understudy
