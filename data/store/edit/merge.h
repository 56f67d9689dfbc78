#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/seam/dataset_header.h"
#include "core/spec/scene_file.h"
#include "data/store/read_options.h"

namespace understudy {

struct NamedHeader {
  const DatasetHeader* header;
  std::string name;  // of the dataset, for messages
};
// Throws Error(kBadInput) where episodes of the two cannot stand in one dataset.
void RequireAlike(const NamedHeader& first, const NamedHeader& other);

// Joins datasets of equal simulator info: by reference (relative external links) or by copying
// compressed chunks. Episodes are renumbered in order; uuids stay. Atomic. Throws Error(kBadInput)
// if a part of a divided run is missing, doubled or out of order, unless `partial`. `scene_files`
// are those of inputs that carry none; `report` is stored with the result where it says anything,
// else the attempts of recording sessions that the reports of the inputs list.
void MergeDatasets(const std::vector<std::filesystem::path>& inputs,
                   const std::filesystem::path& output, bool by_reference, bool overwrite,
                   const ReadOptions& read = {}, bool partial = false,
                   const std::vector<SceneFile>& scene_files = {},
                   const Json& report = Json::object());

}  // namespace understudy
