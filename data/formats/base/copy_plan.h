#pragma once

// Whole or cut episodes of datasets of one format as a new dataset of that format: what filter,
// split, merge, trim and relabel ask of the formats of other programs.

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/progress.h"
#include "core/seam/episode_source.h"
#include "data/store/read_options.h"

namespace understudy {

// Key of the settings of a header that was opened to be repaired: what is read in another way than
// it is stored, in words.
inline constexpr const char* kMended = "mended";

struct CopyPlan {
  struct Pick {
    size_t input = 0, episode = 0;  // of the list of datasets; by number
    size_t first_row = 0;
    std::optional<size_t> end_row = {};  // unset: to the end
    bool relabel = false;                // gets the labels below
  };
  std::vector<Pick> episodes;
  // Further filter keys, places in `episodes`. Those of the inputs follow their episodes.
  std::map<std::string, std::vector<size_t>> masks = {};
  std::optional<std::string> instruction = {}, cause = {};
  std::optional<bool> success = {};
  bool overwrite = false;
  // Of a dataset that was opened to be repaired: what its reader passes over is not copied.
  bool mend = false;
  ReadOptions read = {};
};

// Writes `output` atomically. What the program knows nothing of is copied too. Throws
// Error(kUsage) where `output` exists (unless overwrite), is an input, or the format has no place
// for a label or a key; Error(kBadInput) with every reason where the inputs do not fit together.
using CopyEpisodes = void(const std::vector<const EpisodeSource*>& inputs, const CopyPlan& plan,
                          const std::filesystem::path& output, Progress& progress);

}  // namespace understudy
