#pragma once

// Attributes: the header of a dataset, and everything of an episode that is not a row.

#include <functional>
#include <map>
#include <string>

#include "core/base/hash.h"
#include "core/episode/attempt_record.h"
#include "core/episode/episode.h"
#include "core/seam/dataset_header.h"
#include "core/seam/renderer.h"
#include "data/store/hdf5/group.h"

namespace understudy {

namespace h5 {
class GrowingFile;
}

inline constexpr int kFormatVersion = 1;
inline constexpr int64_t kMaxSteps = 1'000'000;  // of one episode
inline constexpr int64_t kMaxCameras = 64;

// The header without `model_text`, which is an attribute of its own.
Json HeaderToJson(const DatasetHeader& header);
// Throws Error(kBadInput) under `name`.
DatasetHeader HeaderFromJson(const Json& json, const std::string& name);
// Attributes of the root and of /data, and /understudy, of a new file.
void WriteHeader(const h5::Group& root, const DatasetHeader& header);
// Header of /understudy; throws Error(kBadInput) where the version is newer than ours.
DatasetHeader ReadHeader(const h5::Group& root);

// A new episode's group, with room for its columns and attributes.
h5::Group CreateEpisode(const h5::Group& root, const std::string& path,
                        const std::vector<Column>& columns);
// Attributes of an episode's group. Lists and objects that are empty are left out; `model_text` is
// that of an episode without one of its own.
void WriteMeta(const h5::Group& demo, const EpisodeMeta& meta, size_t length,
               const std::string& model_text);
// `name` of the result is left to the caller.
EpisodeMeta ReadMeta(const h5::Group& demo);
// Its state_sizes alone.
EpisodeMeta::StateSizes ReadStateSizes(const h5::Group& demo);
// num_samples, checked against [1, kMaxSteps].
size_t ReadLength(const h5::Group& demo);

// Hashes of an episode's columns by path. Fed row by row; the order of columns does not matter.
class ColumnHashes {
 public:
  void Add(const Column& column);  // appends its rows
  void Add(const std::string& path, const void* data, size_t bytes);
  Json ToJson() const;  // {path: hash}, sorted by path

 private:
  std::map<std::string, Hasher> hashers_;
};
// Content hash of an episode: `meta` without name, settings, program version; and its columns.
std::string EpisodeHash(const EpisodeMeta& meta, const RawStream& raw, const Json& column_hashes);
// Of a whole file: header (without settings), the hashes of its episodes in order, masks, attempts.
std::string DatasetHash(const h5::Group& root, const std::vector<std::string>& episode_hashes);
// The same of a file whose episodes have the names name(0) …, read one by one.
std::string DatasetHash(const h5::Group& root, int64_t episodes,
                        const std::function<std::string(int64_t)>& name);

// Episodes of /data: demo_<i>, and groups of other names that hold what an episode does (files of
// others: episode_3). By the name before the number, then by number: demo_2, demo_10.
std::vector<std::string> EpisodeNames(const h5::Group& data);

// A JSON report beside the data, outside their hash.
void StoreReport(const h5::Group& understudy, const Json& report);

// The attempts table, /understudy/attempts.
using EachAttempt = std::function<void(const AttemptRecord&)>;
inline constexpr size_t kAttemptBlock = 1024;  // records in memory at once
// Attempts without an episode after which HDF5's cache is emptied: the index of their chunks takes
// it 100 bytes of memory each, of which it counts a tenth.
inline constexpr size_t kTrimAttempts = 16 * kAttemptBlock;
void AppendAttempts(const h5::Group& understudy, size_t objects,
                    const std::vector<AttemptRecord>& attempts);
int64_t CountAttempts(const h5::Group& understudy);
// Visits every record in order, with a pose of each of the header's `objects` or none. Memory holds
// a block of them.
void VisitAttempts(const h5::Group& understudy, size_t objects, const EachAttempt& each);
// Appends every record that `visit` hands out and flushes; memory holds a block of them. All other
// handles of `file` must be closed.
void CopyAttempts(const std::function<void(const EachAttempt&)>& visit, size_t objects,
                  h5::GrowingFile* file);

void WriteCameras(const h5::Group& demo, const std::vector<std::string>& names,
                  const std::vector<CameraParameters>& cameras);
std::vector<CameraParameters> ReadCameras(const h5::Group& demo);

}  // namespace understudy
