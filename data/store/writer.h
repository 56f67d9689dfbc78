#pragma once

// Writing of datasets in our own layout (docs/format.md).

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/episode/attempt_record.h"
#include "core/episode/episode.h"
#include "core/image/image.h"
#include "core/seam/dataset_header.h"
#include "core/seam/episode_source.h"
#include "core/seam/renderer.h"

namespace understudy {

// Appends episodes to `path`.part and renames it to `path` in Finish (flushed at least every second
// and, by default, after every episode; fsynced before the rename). Killed at any time, the .part
// file opens and holds every flushed episode. Memory does not grow with episodes or attempts, but
// for HDF5's own list of names: 16 bytes an episode. One thread.
class DatasetWriter {
 public:
  // Refuses (kUsage) to replace an existing `path` unless `overwrite`. With `resume`, continues
  // an existing .part file of equal header and settings; a .part of other settings is refused
  // (kBadInput). Throws Error(kFailed) where the disk is full or the folder cannot be written, and
  // leaves a .part that opens.
  struct Options {
    bool overwrite = false;
    bool resume = false;
    int compression = 1;  // deflate level of images, 0 to 12
    int threads = 0;      // that compress images; 0: one per core
    // False: only once a second, for a run that starts over after a kill.
    bool flush_episodes = true;
    // An episode keeps its meta.name where that is demo_<i> with i beyond all before it. New files
    // only.
    bool keep_names = false;
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

  // Becomes demo_<n>, n counting up, or keeps its name; without pictures. A missing uuid is a
  // broken contract.
  void Append(const Episode& episode);
  // The same with pictures: `images` is one vector per camera of the header with one image per
  // step, `cameras` the parameters of each, its size and field of view among them.
  void Append(const Episode& episode, const std::vector<std::vector<Image>>& images,
              const std::vector<CameraParameters>& cameras);
  // An attempt that is recorded and, where it is kept, its episode (without pictures): one flush
  // writes both, so that a kill leaves both or neither.
  void AppendAttempt(const AttemptRecord& attempt, const Episode* episode = nullptr);
  // A few at once, in one flush; without `flush` it is a later one's, which comes within a second
  // of writing.
  void AppendAttempts(const std::vector<KeptAttempt>& attempts, bool flush = true);

  // Frame by frame, for renderers: Begin, AddFrames × T, End. Memory stays at one row. `cameras`:
  // one per camera of the header, or none for an episode without pictures; a field of view of 0 is
  // one that the source of the pictures does not say.
  void BeginEpisode(const Episode& episode, const std::vector<CameraParameters>& cameras);
  void AddFrames(const std::vector<Image>& images);
  void EndEpisode();

  // Names here of the episodes of `source`, which were written in their order, by their names
  // there.
  std::map<std::string, std::string> NamesOf(const EpisodeSource& source) const;

  // A named list of episodes: `mask/<key>` of robomimic.
  void WriteMask(const std::string& key, const std::vector<std::string>& demos);
  // Those of `source`, whose episodes were written in their order, by their names here.
  void WriteMasksOf(const EpisodeSource& source);
  // The same for long lists: the episodes for which holds(i), of all that were written.
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

}  // namespace understudy
