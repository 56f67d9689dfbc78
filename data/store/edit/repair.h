#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/store/edit/verify.h"

namespace understudy {

struct RepairReport {
  int64_t episodes_kept = 0, steps_kept = 0;
  std::vector<Fault> dropped;       // episodes left out, and why
  std::vector<std::string> mended;  // what is kept in another way than it was, in words
  std::string outcome;              // in words
};

// Makes `output` of what is whole in `input`: the .part of a killed writer (its sound episodes and
// its attempts), the .part of a killed recorder (its whole rows), or a finished dataset with
// faults. `input` keeps its episodes; only an unfinished flush of its killed writer is completed or
// undone. Throws Error(kBadInput) where nothing can be read, Error(kFailed) while its writer is
// alive.
RepairReport RepairDataset(const std::filesystem::path& input, const std::filesystem::path& output,
                           bool overwrite, const ReadOptions& read = {});

}  // namespace understudy
