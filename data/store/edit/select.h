#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/expression.h"
#include "core/base/options.h"
#include "core/base/progress.h"
#include "core/seam/episode_source.h"
#include "data/store/read_options.h"

namespace understudy {

// What an expression may say of an episode: name, number, uuid, steps, success, cause, task,
// variant, robot, instruction, variant_index, seed, attempt, control_hz, quality.<…> (as the stage
// wrote it), dr.<what>.<field>[.<entry>] (draws: what is the name of the light, material, geom,
// texture or camera, or "headlight"), and, where `with_motion`, motion.<…> (core/episode/motion.h;
// reads all rows). FilterDataset adds mask.<key>, true or false.
Facts FactsOf(const EpisodeSource& reader, size_t episode, bool with_motion);

// For which of `episodes` episodes of `dataset` (its name, for errors) `where` holds; `facts_of`
// tells of each. Throws Error(kUsage) where a name stands in it that no episode knows; that some
// lack it is none.
std::vector<bool> HoldsFor(const Expression& where, size_t episodes,
                           const std::function<Facts(size_t)>& facts_of,
                           const std::string& dataset);

// Whether `where` asks for motion.<…>, which reads all rows.
bool AsksForMotion(const Expression& where);

// mask.<key> of every filter key: true where it holds the episode. One entry per episode.
std::vector<Facts> MaskFacts(const EpisodeSource& reader);

// The uuid of the episode that an episode shows: variants of one (augment) share it, and so does
// that one itself.
std::string VariantGroup(const EpisodeMeta& meta);

struct FilterOptions {
  std::string where;              // condition; empty: all
  std::vector<std::string> drop;  // names
  bool by_reference = false, overwrite = false;
  ReadOptions read = {};
};
struct FilterReport {
  int64_t kept = 0, dropped = 0;
};
// The episodes of `input` that `where` holds for and `drop` does not name, as a new dataset.
// Throws Error(kUsage) where the condition or a name makes no sense for this dataset (naming what
// is known), Error(kBadInput) where nothing would be left; nothing is written then.
FilterReport FilterDataset(const std::filesystem::path& input, const std::filesystem::path& output,
                           const FilterOptions& options, Progress& progress);

struct RelabelOptions {
  std::string where;                              // condition; empty: all
  std::optional<std::string> instruction, cause;  // unset: as they are
  std::optional<bool> success;
  bool overwrite = false;
  ReadOptions read = {};
};
// A copy of `input` in which the episodes that `where` holds for say something else; they keep
// their uuids and rows. Returns how many. Throws as FilterDataset, Error(kUsage) where nothing is
// to be changed.
int64_t RelabelDataset(const std::filesystem::path& input, const std::filesystem::path& output,
                       const RelabelOptions& options, Progress& progress);

struct SplitOptions {
  std::map<std::string, double> parts;  // shares by name; empty: train 0.9, valid 0.1
  std::vector<int> percent;             // further keys "<n>_percent" and "<n>_percent_<part>"
  bool files = false;                   // one dataset per part instead of filter keys
  uint64_t seed = 1;
  bool by_reference = false, overwrite = false;
  ReadOptions read = {};
};
// Draws parts without overlap. Variants of one episode (augment) stay together; where an episode
// goes depends on the seed and the uuids present, not on its place. Shares are met to within one
// group of variants. Returns the number of episodes per key. With `files`, `output` "x.h5" becomes
// "x.train.h5", … Throws Error(kUsage) for shares that are more than one or that leave a part
// empty.
std::map<std::string, int64_t> SplitDataset(const std::filesystem::path& input,
                                            const std::filesystem::path& output,
                                            const SplitOptions& options);

}  // namespace understudy
