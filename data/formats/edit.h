#pragma once

// Commands that make a dataset from others, for every format that can (DatasetFormat::Copy): a
// dataset of ours becomes one of ours (data/store/edit), any other one of its own format.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/base/progress.h"
#include "data/formats/formats.h"
#include "data/store/edit/repair.h"
#include "data/store/edit/select.h"
#include "data/store/edit/trim.h"

namespace understudy {

// As FilterDataset, RelabelDataset, SplitDataset, TrimDataset and MergeDatasets, which they call
// for datasets of ours. Throw Error(kUsage) too where the format has no Copy, or no place for what
// is asked: the message names it and the next step.
FilterReport FilterAny(const std::filesystem::path& input, const std::filesystem::path& output,
                       const FilterOptions& options, Progress& progress);
int64_t RelabelAny(const std::filesystem::path& input, const std::filesystem::path& output,
                   const RelabelOptions& options, Progress& progress);
std::map<std::string, int64_t> SplitAny(const std::filesystem::path& input,
                                        const std::filesystem::path& output,
                                        const SplitOptions& options, Progress& progress);
TrimReport TrimAny(const std::filesystem::path& input, const std::filesystem::path& output,
                   const TrimOptions& options, Progress& progress);
struct MergeRequest {
  bool by_reference = false, overwrite = false, partial = false;
  ReadOptions read = {};
};
void MergeAny(const std::vector<std::filesystem::path>& inputs, const std::filesystem::path& output,
              const MergeRequest& request, Progress& progress);

// As RepairDataset, which it calls for datasets of ours and for files that nobody recognises. Of
// another program's dataset: the episodes whose rows, columns and pictures can be read, with lists
// that agree. Throws Error(kBadInput) where there are none.
RepairReport RepairAny(const std::filesystem::path& input, const std::filesystem::path& output,
                       bool overwrite, const ReadOptions& read, Progress& progress);

}  // namespace understudy
