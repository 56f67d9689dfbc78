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

// Values of an episode for expressions: name, number, uuid, steps, success, cause, task,
// variant, robot, instruction, variant_index, seed, attempt, control_hz, quality.<…> (as the stage
// wrote it), dr.<what>.<field>[.<entry>] (draws: what is the name of the light, material, geom,
// texture or camera, or "headlight"), and, where `with_motion`, motion.<…> (core/episode/motion.h;
// reads all rows). FilterDataset adds mask.<key>, true or false.
Facts FactsOf(const EpisodeSource& reader, size_t episode, bool with_motion);

// For which of `episodes` episodes `where` holds, by their facts; `dataset` names them in errors.
// Throws Error(kUsage) if no episode has a value that is named. Episodes that lack it do not match.
std::vector<bool> HoldsFor(const Expression& where, size_t episodes,
                           const std::function<Facts(size_t)>& facts_of,
                           const std::string& dataset);

// Whether `where` asks for motion.<…>, which reads all rows.
bool AsksForMotion(const Expression& where);

// mask.<key> of every filter key: true where it holds the episode. One entry per episode.
std::vector<Facts> MaskFacts(const EpisodeSource& reader);

// The uuid that all variants (augment) of one episode share with it.
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
// Numbers of the episodes that stay. Throws as FilterDataset.
std::vector<size_t> EpisodesToKeep(const EpisodeSource& reader, const FilterOptions& options,
                                   Progress& progress);
// Writes the episodes of `input` that match `where` and are not named in `drop`. Throws
// Error(kUsage) if the condition or a name is unknown in this dataset (naming what is known),
// Error(kBadInput) if no episode would remain; nothing is written then.
FilterReport FilterDataset(const std::filesystem::path& input, const std::filesystem::path& output,
                           const FilterOptions& options, Progress& progress);

struct RelabelOptions {
  std::string where;                              // condition; empty: all
  std::optional<std::string> instruction, cause;  // unset: as they are
  std::optional<bool> success;
  bool overwrite = false;
  ReadOptions read = {};
};
// Which episodes get new labels. Throws as RelabelDataset.
std::vector<bool> EpisodesToRelabel(const EpisodeSource& reader, const RelabelOptions& options,
                                    Progress& progress);
// Writes a copy of `input` with new labels for the episodes that match `where`; uuids and rows
// stay. Returns the number of relabelled episodes. Throws as FilterDataset, and Error(kUsage) if no
// label is given.
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
// Numbers of the episodes of every key. Throws as SplitDataset.
std::map<std::string, std::vector<size_t>> DrawParts(const EpisodeSource& reader,
                                                     const SplitOptions& options);
// "x.h5" of the part "train" is "x.train.h5".
std::filesystem::path FileOfPart(const std::filesystem::path& output, const std::string& part);
// Draws parts without overlap. Variants of one episode (augment) stay together; where an episode
// goes depends on the seed and the uuids present, not on its place. Shares are met to within one
// group of variants. Returns the number of episodes per key. With `files`, `output` "x.h5" becomes
// "x.train.h5", … Throws Error(kUsage) for shares that are more than one or that leave a part
// empty.
std::map<std::string, int64_t> SplitDataset(const std::filesystem::path& input,
                                            const std::filesystem::path& output,
                                            const SplitOptions& options);

}  // namespace understudy
