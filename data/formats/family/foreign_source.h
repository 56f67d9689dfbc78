#pragma once

// Files of robomimic's family (robomimic, MimicGen, Isaac Lab): /data/demo_<i> without an
// /understudy group. docs/data.md says what each format holds.

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/progress.h"
#include "core/episode/column_spec.h"
#include "core/episode/episode.h"
#include "core/seam/dataset_header.h"
#include "data/formats/base/copy_plan.h"
#include "data/formats/base/joint_poses.h"
#include "data/store/edit/verify.h"
#include "data/store/hdf5/group.h"
#include "data/store/hdf5_source.h"
#include "data/store/read_options.h"

namespace understudy::foreign {

// How one format of the family is recognised and read.
struct Dialect {
  const char* stage = "";   // DatasetHeader::stage
  const char* family = "";  // DatasetHeader::family
  // Whether a file that holds the episode `demo` is of this format.
  bool (*recognises)(const h5::Group& demo, const Json& env_args) = nullptr;
  // Fills in what the episode `demo`, which is like most others, says of the file. header->settings
  // holds `env_args`.
  void (*header)(const h5::Group& root, const h5::Group& demo, const ReadOptions& options,
                 DatasetHeader* header) = nullptr;
  // Fills in the rows of an episode, which has its length and meta.
  void (*rows)(const h5::Group& demo, const DatasetHeader& header, Episode* episode) = nullptr;
  // Why an episode that stores no success is one; null: it is taken for a failure.
  const char* successes_only = nullptr;
  // Whether the format promises `actions` in [-1, 1] for such a file; null: never.
  bool (*boxed_actions)(const DatasetHeader& header) = nullptr;
  // Names of objects and signals that an episode has; by them one that stands for most is chosen.
  std::vector<std::string> (*names)(const h5::Group& demo) = nullptr;
  // Whether `rows` reads this column.
  bool (*reads)(const DatasetHeader& header, const std::string& path) = nullptr;
  // Whether an episode holds joints of its arms; and these, for one without poses of them. Null:
  // the format has none.
  bool (*has_joints)(const h5::Group& demo) = nullptr;
  std::vector<JointArm> (*joints)(const h5::Group& demo, const DatasetHeader& header,
                                  const JointRobot& robot) = nullptr;
  // What a column means by its path in the episode; null: as Hdf5Source::RoleOf says.
  ColumnRole (*role)(const std::string& path) = nullptr;

  // ---- what an episode that is copied may be given ----
  // Writes the instruction of one episode, or of the file (`one_instruction`); null: the format has
  // no place for one.
  void (*set_instruction)(const h5::Group& data, const h5::Group& demo,
                          const std::string& instruction) = nullptr;
  bool one_instruction = false;
  bool success_attribute = false;  // episodes hold an attribute `success`
  // Corrects what a copy of rows [first, ...) says of the state before its first row; null: nothing
  // does.
  void (*start_at)(const h5::Group& from, size_t first, const h5::Group& copy) = nullptr;
};

// Whether `path` is an HDF5 file with episodes, not of ours, one of the first of which the dialect
// recognises; `without_episode` is the answer if none can be read. Never throws.
bool Recognises(const Dialect& dialect, const std::filesystem::path& path,
                const ReadOptions& options, bool without_episode = false);

// Opens a file of the dialect. Throws Error(kBadInput). Poses are of the frame that the file gives:
// EpisodeMeta::settings says in `pose_from` and `target_from` which. An episode without a state
// after its last action has an empty final_observation (but for `success`).
// `mend`: the file is to be repaired; header().settings[kMended] says what is not read of it.
std::unique_ptr<EpisodeSource> OpenForeign(const Dialect& dialect,
                                           const std::filesystem::path& path,
                                           const ReadOptions& options, bool mend = false);

// Episodes of such files as a new one (CopyEpisodes of data/formats/base/copy_plan.h). Several
// files must have everything in common that one file says once; their episodes are renumbered.
void CopyForeign(const Dialect& dialect, const std::vector<const EpisodeSource*>& inputs,
                 const CopyPlan& plan, const std::filesystem::path& output, Progress& progress);

// Every fault of such a file; as VerifyOwn.
VerifyReport VerifyForeign(const Dialect& dialect, const std::filesystem::path& path,
                           const VerifyOptions& options);

// What OpenForeign and VerifyForeign are made of.
DatasetHeader ForeignHeader(const Dialect& dialect, const h5::Group& root,
                            const ReadOptions& options);
// What is known of an episode before its rows are read.
struct ForeignFacts {
  bool success = false;
  bool success_known = true;
  std::string success_from;  // how that is known
  std::string uuid;          // its own, or made of its content; empty where that cannot be read
};
ForeignFacts ReadForeignFacts(const Dialect& dialect, const h5::Group& demo);
// `facts` of ReadForeignFacts. That all numbers are finite, also those that no episode has a place
// for, is checked first where `check_all` says so: it reads every column once more.
Episode ReadForeignEpisode(const Dialect& dialect, const h5::Group& demo,
                           const DatasetHeader& header, const ForeignFacts& facts,
                           bool check_all = true);

}  // namespace understudy::foreign
