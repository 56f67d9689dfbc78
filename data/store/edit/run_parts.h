#pragma once

// Parts of a run that was split over jobs (core/base/shard.h), before they are merged.

#include <filesystem>
#include <vector>

#include "core/base/json.h"
#include "core/seam/dataset_header.h"

namespace understudy {

// By what a dataset is known as a part of a run: its header, and the report stored with it.
struct RunPart {
  std::filesystem::path file;
  const DatasetHeader* header = nullptr;
  Json report;
};

// Throws Error(kBadInput) if a part of a run is missing, is there twice or comes out of order;
// datasets that are no parts may stand between. Parts belong together if task, settings and sources
// are the same and the run was split into as many.
void RequireWholeRuns(const std::vector<RunPart>& datasets);

}  // namespace understudy
