#pragma once

// Reading and writing of datasets: docs/format.md says what stands in the file. The only users of
// HDF5 are the .cc files of this folder.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/episode/episode.h"
#include "core/image/image.h"
#include "core/seam/renderer.h"
#include "core/seam/simulator.h"

namespace understudy {

// What a whole dataset says of itself, beside its episodes.
struct DatasetHeader {
  SimulatorInfo simulator;           // names and rates that the columns refer to
  std::string stage;                 // "teleop", "mimic", "augment", …
  std::string model_text;            // MJCF of the nominal scene
  Json task = Json::object();        // the task.yaml, resolved
  Json settings = Json::object();    // options of the stage, resolved
  std::vector<std::string> cameras;  // rendered ones: obs/<camera>_image
  int image_width = 0, image_height = 0;
  std::vector<std::string> parents;  // content hashes of the input datasets
};

// Key of DatasetHeader::settings: robot.yaml and gripper.yaml that drove a generated dataset. It
// stays in what is put together of such datasets.
inline constexpr const char* kRobotSpec = "robot_spec";
// Null where the dataset does not tell.
inline Json RobotSpecOf(const DatasetHeader& header) {
  return header.settings.is_object() ? header.settings.value(kRobotSpec, Json()) : Json();
}
// `settings` must be a mapping or null; null leaves them as they are.
inline void SetRobotSpec(const Json& robot, DatasetHeader& header) {
  if (!robot.is_null()) header.settings[kRobotSpec] = robot;
}

// One row of the attempts table of a generated dataset: every started attempt, kept or not.
struct AttemptRecord {
  int64_t attempt = 0;
  bool success = false;
  std::string cause;             // empty on success
  int32_t subtask = -1;          // where it ended
  int32_t steps = 0;             // length of the attempt
  std::vector<Pose> X_WO_start;  // object poses at its start, for coverage
  // source demonstration of every subtask that ended or failed; -1 within: cut short by another's
  // failure, or not begun
  std::vector<int32_t> sources;
  std::vector<int32_t> subtask_steps;  // steps in each of these subtasks; empty: not told
};

struct KeptAttempt {
  AttemptRecord attempt;
  std::optional<Episode> episode;  // where it is kept
};

// Whether there is such a file and it is HDF5's, a dataset or not.
bool IsHdf5(const std::filesystem::path& file);

// Appends episodes to `path`.part and renames it to `path` in Finish (flushed at least every second
// and after every episode, fsynced before the rename). Killed at any time, the .part file opens and
// holds every flushed episode. Memory does not grow with episodes or attempts, but for HDF5's own
// list of names: 16 bytes an episode. One thread.
class DatasetWriter {
 public:
  // Refuses (kUsage) to replace an existing `path` unless `overwrite`. With `resume`, goes on with
  // an existing .part file of equal header and settings; a .part of other settings is refused
  // (kBadInput). Throws Error(kFailed) where the disk is full or the folder cannot be written, and
  // leaves a .part that opens.
  struct Options {
    bool overwrite = false;
    bool resume = false;
    int compression = 1;  // deflate level of images, 0 to 12
    int threads = 0;      // that compress images; 0: one per core
  };
  DatasetWriter(const std::filesystem::path& path, const DatasetHeader& header,
                const Options& options);
  DatasetWriter(const std::filesystem::path& path, const DatasetHeader& header);
  ~DatasetWriter();  // without Finish: closes, keeps the .part
  DatasetWriter(DatasetWriter&&) noexcept;

  // What a resumed file already holds: whole episodes, and attempts recorded. New: 0.
  int64_t episodes_written() const;
  int64_t attempts_written() const;
  // Every attempt, those of a resumed file included, in order; memory holds a block of them. No
  // episode is open.
  void VisitAttempts(const std::function<void(const AttemptRecord&)>& each);

  // Becomes demo_<n>, n counting up. `images` (may be empty) is one vector per camera of the header
  // with one image per step. Missing uuid is a broken contract.
  void Append(const Episode& episode, const std::vector<std::vector<Image>>& images = {});
  // An attempt that is recorded and, where it is kept, its episode (without pictures): one flush
  // writes both, so that a kill leaves both or neither.
  void AppendAttempt(const AttemptRecord& attempt, const Episode* episode = nullptr);
  // A few at once, in one flush; without `flush` it is a later one's, which comes within a second
  // of writing.
  void AppendAttempts(const std::vector<KeptAttempt>& attempts, bool flush = true);

  // Frame by frame, for renderers: Begin, AddFrames × T, End. Memory stays at one row.
  void BeginEpisode(const Episode& episode, const std::vector<CameraParameters>& cameras);
  void AddFrames(const std::vector<Image>& images);
  void EndEpisode();

  // A named list of episodes: `mask/<key>` of robomimic.
  void WriteMask(const std::string& key, const std::vector<std::string>& demos);
  // The same for long lists: the episodes demo_<i> for which holds(i), of all that were written.
  void MarkEpisodes(const std::string& key, const std::function<bool(int64_t episode)>& holds);
  // A JSON report stored with the dataset (`understudy/report`).
  void WriteReport(const Json& report);

  // Stores totals and content hash, fsyncs and renames.
  void Finish();

 private:
  void Record(const AttemptRecord& attempt, const Episode* episode);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Records one episode row by row into `path`.part; flushed at least once a second. Finish renames
// to `path`; Discard renames to `path`.rejected. Destroyed without either: the .part stays and is
// found by Salvage. The result is a dataset of one episode.
class EpisodeRecorder {
 public:
  EpisodeRecorder(const std::filesystem::path& path, const DatasetHeader& header,
                  const EpisodeMeta& meta);
  ~EpisodeRecorder();
  void Append(const Step& step);
  void AppendRaw(const RawSample& sample);
  void Flush();  // also called by Append when a second has passed
  void Finish(const EpisodeMeta& meta, const SimState& final_state,
              const Observation& final_observation, const RawStream& raw_info);
  void Discard(const std::string& reason);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct SalvageReport {
  std::filesystem::path file;
  int64_t rows = 0;
  std::string outcome;  // in words
};
// Finds .part files of recordings in `folder`, cuts them to whole rows, marks them "interrupted"
// and renames them to <name>.interrupted.h5. Says what it found.
std::vector<SalvageReport> Salvage(const std::filesystem::path& folder);

// Whether external links may lead out of the folder of the file that holds them: false unless the
// user trusts the file. For the whole process; set before datasets are opened.
void AllowOutsideLinks(bool allowed);

// How the four numbers of a quaternion stand in files of Isaac Lab, which changed it in 2026.
enum class QuaternionOrder { kAsk, kWxyz, kXyzw };
template <>
struct EnumNames<QuaternionOrder> {
  static constexpr std::array kNames{"ask", "wxyz", "xyzw"};
};
// The order for files that do not tell theirs; kAsk refuses them with the question. For the whole
// process; set before datasets are opened.
void AssumeQuaternions(QuaternionOrder order);

// One line of an episode list.
struct EpisodeSummary {
  std::string name, uuid;
  size_t length = 0;
  bool success = false;
  int variant_index = 0;
};

// Opens a dataset (one file, or a master of external links) for reading. Files are hostile: sizes,
// types and shapes are checked before memory is taken. Several threads may call the const members
// of one reader at once; HDF5 itself is serialised inside, decompression is not.
class DatasetReader {
 public:
  // Throws Error(kBadInput) naming the file and what is wrong with it (missing, truncated, no HDF5,
  // no dataset, a .part left by a running or killed writer). Files of robomimic, MimicGen and Isaac
  // Lab are datasets as well: header().stage names the format, and content_hash() is empty.
  explicit DatasetReader(const std::filesystem::path& path);
  ~DatasetReader();
  DatasetReader(DatasetReader&&) noexcept;

  const std::filesystem::path& path() const;
  const DatasetHeader& header() const;
  const std::string& content_hash() const;              // empty for files of other programs
  const std::vector<EpisodeSummary>& episodes() const;  // by number
  std::vector<AttemptRecord> attempts() const;
  // The same one by one, in order; memory holds a block of them.
  void VisitAttempts(const std::function<void(const AttemptRecord&)>& each) const;
  Json report() const;
  std::vector<std::string> MaskNames() const;
  std::vector<std::string> ReadMask(const std::string& key) const;

  // Everything of episode `index` that is no row.
  EpisodeMeta ReadMeta(size_t index) const;
  // All rows of episode `index`; without the raw stream unless asked.
  Episode ReadEpisode(size_t index, bool with_raw = false) const;
  // One frame, straight into `out` (height * width * 3 bytes, HWC).
  void ReadFrame(size_t index, size_t camera, size_t step, uint8_t* out) const;
  Image ReadImage(size_t index, const std::string& camera, size_t step) const;
  // As handed to BeginEpisode, in the order of the header's cameras; empty without images.
  std::vector<CameraParameters> ReadCameras(size_t index) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Joins datasets of equal simulator info: by reference (relative external links) or by copying
// compressed chunks. Episodes are renumbered in order; uuids stay. Atomic.
void MergeDatasets(const std::vector<std::filesystem::path>& inputs,
                   const std::filesystem::path& output, bool by_reference, bool overwrite);

// Every fault of a dataset with its place; empty: sound.
struct Fault {
  std::string place;  // "/data/demo_3/actions[17]"
  std::string what;
};
struct VerifyReport {
  std::vector<Fault> faults;
  int64_t episodes = 0, steps = 0, bytes_read = 0;
  bool crashed = false;  // VerifyApart only: the file ended the process that read it
};
// `threads` as in ThreadCount; the report is the same for any number.
// With `episode`, a name, that episode alone and nothing of the dataset's own.
VerifyReport VerifyDataset(const std::filesystem::path& path, int threads = 0,
                           const std::string& episode = "");

// Counts, lengths, success, tasks, sizes, statistics of actions: what `data info` prints.
Json DescribeDataset(const std::filesystem::path& path);

}  // namespace understudy
