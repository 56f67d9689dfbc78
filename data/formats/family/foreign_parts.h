#pragma once

// What the readers of the foreign formats share.

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/episode/episode.h"
#include "core/seam/dataset_header.h"
#include "data/formats/base/row_texts.h"
#include "data/formats/base/translate.h"
#include "data/store/hdf5/group.h"
#include "data/store/read_options.h"

namespace understudy::foreign {

// Key of a foreign header's settings: episodes count their sources in a list that the file lacks.
inline constexpr const char* kUnlistedSources = "unlisted_sources";

// Keys of a foreign header's settings for what is not read, beside kUnreadColumns: names of
// episodes that are not there by mask, what the rows of `actions` are, and what to do with a file
// that lacks what a dataset of ours needs. Each only where there is something to say.
inline constexpr const char* kMissingInMasks = "missing_in_masks";
inline constexpr const char* kActionsAre = "actions_are";
inline constexpr const char* kActionWidth = "action_width";  // numbers per row of `actions`
inline constexpr const char* kNextStep = "next_step";
// Key of a foreign header's settings: its pictures are stored bottom up, and turned when read.
inline constexpr const char* kBottomUp = "pictures_bottom_up";

// Key of a foreign header's settings: what pictures of another layout than (H, W, 3) bytes become.
inline constexpr const char* kPicturesBecome = "pictures_become";

// Key of a foreign header's settings: which arrays have a row that is not read (OpenEpisode).
inline constexpr const char* kExtraRow = "extra_row";

// EpisodeSummary::success_from of an episode that says it itself.
inline constexpr const char* kSuccessAttribute = "attribute";

// Bound of a column that is read at once: files of strangers claim much, and real ones hold little
// beside their pictures.
inline constexpr uint64_t kMaxColumnBytes = uint64_t{1} << 28;

// Attribute that says how an episode ended, and attributes of an episode and of /data that hold
// JSON. A repaired copy leaves out those that cannot be read.
inline constexpr const char* kSuccess = "success";
inline constexpr const char* kEpisodeJson = "ep_meta";
inline constexpr std::array kFileJson{"env_args", "problem_info"};

// Rows of an episode: `num_samples`, or those of `actions` where a program writes no such
// attribute. Throws Error(kBadInput), for an empty episode too.
size_t LengthOf(const h5::Group& demo);

// `demo` with `rows` actions and the group `observed`. Where every array of that group has one row
// more, the state after the last action was kept: of them, and of `states`, the rows of the actions
// alone are read. `mend`: also where some of them have that row only.
h5::Group WithoutExtraRow(h5::Group demo, uint64_t rows, const std::string& observed, bool mend);
// An episode of /data, likewise.
h5::Group OpenEpisode(const h5::Group& data, const std::string& name, bool mend = false);
// The arrays of such an episode that have a row which is not read.
std::vector<std::string> ExtraRowsOf(const h5::Group& demo);
// What settings[kExtraRow] says, by one of the episodes.
std::string ExtraRowNote(const h5::Group& demo);
// What settings[kMended] says of episodes, by name, and their arrays with a row that a repaired
// copy lacks (ExtraRowsOf).
std::vector<std::string> MendedRows(const std::map<std::string, std::vector<std::string>>& cut);
// What the message on an array with `found` rows instead of `length` ends with.
std::string ExtraRowHint(const std::string& path, uint64_t found, uint64_t length);

// An attribute that is JSON as Python writes it, an object. Where it is none the result is an empty
// one, and so it is without the attribute; `fault` says why, without the place, if there is
// something to say.
Json JsonAttribute(const h5::Group& owner, const char* name, std::string* fault = nullptr);

// The attribute `success` of an episode that has it: a boolean, a number or a text. Throws
// Error(kBadInput) for what is none of these.
bool StoredSuccess(const h5::Group& demo);

// Calls each(path, info) for every array of numbers below `group`, by name; one that
// cannot be opened has no dims. A group that cannot is left out.
void VisitNumbers(const h5::Group& group,
                  const std::function<void(const std::string&, const h5::DatasetInfo&)>& each);
// Throws where the tasks of the rows are not one per row.
void RequireTaskTexts(const h5::Group& demo, size_t length);

// Paths of every dataset below `group`, whatever it holds.
std::vector<std::string> DatasetsIn(const h5::Group& group);
// Every array below an episode of `length` rows that holds a text per row. Throws Error(kBadInput)
// where one of them cannot be read.
TextColumns ReadRowTexts(const h5::Group& demo, size_t length);
// The first row of an array that holds a NaN or infinity; `what` says which. Unset: none does.
std::optional<size_t> FirstRowNotFinite(const h5::Group& demo, const std::string& path,
                                        const h5::DatasetInfo& info, std::string* what);
// The first row of `actions` with a number outside of [-1, 1]; `what` says which.
std::optional<size_t> FirstRowOutsideBox(const h5::Group& demo, size_t rows, std::string* what);
// Refuses an episode with a NaN or infinity in any column but pictures (depth is one).
void RequireFinite(const h5::Group& demo);

// Refuses an episode without an array that others have: columns are matched by name, so that none
// takes another's place.
void RequireNamed(const h5::Group& demo, const std::string& path, const char* what,
                  const std::string& name);

// A column of `rows` rows, empty where the file has none of that name. Refuses other shapes, before
// memory is taken.
Column Optional(const h5::Group& demo, const std::string& name, size_t rows,
                const std::vector<int64_t>& dims);
// One number per row, of shape (rows) or (rows, 1), booleans too.
Column OptionalNumbers(const h5::Group& demo, const std::string& name, size_t rows);
// Some rows of a dataset of numbers of any shape. Throws Error(kBadInput).
Column ReadRows(const h5::Group& demo, const std::string& name, size_t first, size_t count);
// The first row; empty if it cannot be read.
Column FirstRow(const h5::Group& demo, const std::string& name);

Eigen::VectorXd Vector(const Column& c, size_t k);
Eigen::Vector3d Point(const Column& c, size_t k, size_t i);
// Refuses what is no pose, under the name of row `k` of the column.
Pose CheckedPose(const h5::Group& demo, const std::string& name, size_t k,
                 const Eigen::Quaterniond& q, const Eigen::Vector3d& p);
Pose PoseOfMatrix(const h5::Group& demo, const Column& c, size_t k);

// Names of the members of a group; none where there is no such group.
std::vector<std::string> NamesIn(const h5::Group& demo, const std::string& name);
// Pictures of `obs`: names without `suffix`, the first of which gives the size.
void FindCameras(const h5::Group& demo, const std::string& suffix, DatasetHeader* header);
// Takes arrays of numbers that no picture has off the cameras, but those that `pictures` scales.
void DropNumbers(const h5::Group& demo, const std::map<std::string, PictureScale>& pictures,
                 DatasetHeader* header);
// Refuses an episode whose `actions` are not `length` rows of numbers, before memory is taken.
void RequireActions(const h5::Group& demo, size_t length);

}  // namespace understudy::foreign
