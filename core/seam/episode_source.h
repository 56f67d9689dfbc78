#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/statistics.h"
#include "core/episode/attempt_record.h"
#include "core/episode/column_spec.h"
#include "core/episode/episode.h"
#include "core/image/image.h"
#include "core/seam/dataset_header.h"
#include "core/seam/renderer.h"

namespace understudy {

// One line of an episode list.
struct EpisodeSummary {
  std::string name, uuid;
  size_t length = 0;  // 0: it cannot be read; reading it says why
  bool success = false;
  bool success_known = true;  // false: the dataset does not say how it ended
  int variant_index = 0;
  std::string success_from = {};  // how success is known; empty: the dataset stores it as ours do
  std::string linked_file = {};   // file that holds the episode; empty: the dataset's own
};

// An episode that was left out, and why.
struct SkippedEpisode {
  std::string name, reason;
};

// What is said of an episode in a list, without its rows. NaN: cannot be computed from them
// (core/episode/motion.h).
struct EpisodeFigures {
  std::string task, variant, cause;
  double path_m = 0, jerk_rms = 0, idle_share = 0;
  int64_t missing = 0;                       // rows with a NaN or infinity
  std::vector<std::string> rise_again = {};  // signals (core/episode/rises.h)
  int64_t corrected_rows = 0;  // of a rollout with a takeover: rows in which the person acted
};
struct DatasetFigures {
  std::vector<EpisodeFigures> episodes;
  NumberSums actions;  // the normalised ones
};

// An open dataset of any format: what every command reads from. Several threads may call the const
// members of one source at once. Index arguments must be smaller than episodes().size().
class EpisodeSource {
 public:
  virtual ~EpisodeSource() = default;

  const std::filesystem::path& path() const { return path_; }
  const DatasetHeader& header() const { return header_; }
  // Empty for datasets of other programs.
  const std::string& content_hash() const { return content_hash_; }
  const std::vector<EpisodeSummary>& episodes() const { return episodes_; }  // by number

  // Episodes that are not in the list above because they cannot be read; only where the read
  // options ask for the others. By number.
  const std::vector<SkippedEpisode>& skipped() const { return skipped_; }

  // Every started attempt of a generated dataset; none for others.
  std::vector<AttemptRecord> attempts() const;
  // The same one by one, in order; memory holds a block of them.
  void VisitAttempts(const std::function<void(const AttemptRecord&)>& each) const;
  // What the stage reported of its run; an empty object if nothing is stored.
  Json report() const;

  // Filter keys, and the names of the episodes that one of them holds. ReadMask throws
  // Error(kUsage) for an unknown key.
  std::vector<std::string> MaskNames() const;
  std::vector<std::string> ReadMask(const std::string& key) const;

  // What the dataset says of all its episodes in one place, so that none need be opened; unset
  // where it stores nothing of the kind, or its list of episodes was changed since. That the rows
  // are still those is checked by verifying.
  std::optional<DatasetFigures> StoredFigures() const { return DoStoredFigures(); }

  // All that is known of an episode except its rows.
  EpisodeMeta ReadMeta(size_t index) const;
  // All rows of an episode; the raw device stream only if asked for.
  Episode ReadEpisode(size_t index, bool with_raw = false) const;
  // Rows of the normalised actions as the dataset stores them, for statistics; of equal size. Unset
  // if the episode stores none.
  std::optional<std::vector<std::vector<double>>> ReadStoredActions(size_t index) const;
  // The columns of numbers of the dataset, by the first episode that can be read: every number of a
  // row that is no picture, whether an Episode has a place for it or not.
  std::vector<ColumnSpec> ListColumns() const;
  // The same of one episode, which may have others.
  std::vector<ColumnSpec> ColumnsOf(size_t index) const;
  // All rows of some of these columns, row after row, as they are stored (a NaN too); one list per
  // column. Throws Error(kBadInput) where the episode lacks one or has it in another shape.
  std::vector<std::vector<double>> ReadColumns(size_t index,
                                               std::span<const ColumnSpec> columns) const;
  // One frame of a camera of header().cameras into `out` (HWC, 3 bytes per pixel, of the size that
  // header().size_of(camera) gives).
  void ReadFrame(size_t index, size_t camera, size_t step, uint8_t* out) const;
  // Throws Error(kUsage) for an unknown camera.
  Image ReadImage(size_t index, const std::string& camera, size_t step) const;
  // Parameters of the cameras, in the order of the header; empty if they are not stored.
  std::vector<CameraParameters> ReadCameras(size_t index) const;

 protected:
  explicit EpisodeSource(std::filesystem::path path) : path_(std::move(path)) {}
  EpisodeSource(EpisodeSource&&) = default;

  // Filled in by the constructors of implementations.
  std::filesystem::path path_;
  DatasetHeader header_;
  std::string content_hash_;
  std::vector<EpisodeSummary> episodes_;
  std::vector<SkippedEpisode> skipped_;

 private:
  // Arguments have been checked. All throw Error(kBadInput) that names what is damaged.
  virtual Episode DoReadEpisode(size_t index, bool with_raw) const = 0;
  virtual void DoReadFrame(size_t index, size_t camera, size_t step, uint8_t* out) const = 0;
  // By default those of DoReadEpisode.
  virtual EpisodeMeta DoReadMeta(size_t index) const;
  virtual std::optional<std::vector<std::vector<double>>> DoReadStoredActions(size_t index) const;
  // By default none.
  virtual std::vector<ColumnSpec> DoListColumns() const { return {}; }
  // By default those of DoListColumns.
  virtual std::vector<ColumnSpec> DoColumnsOf(size_t) const { return DoListColumns(); }
  virtual std::vector<std::vector<double>> DoReadColumns(size_t index,
                                                         std::span<const ColumnSpec> columns) const;
  virtual std::vector<std::string> DoMaskNames() const { return {}; }
  virtual std::vector<std::string> DoReadMask(const std::string&) const { return {}; }
  virtual std::vector<CameraParameters> DoReadCameras(size_t) const { return {}; }
  virtual void DoVisitAttempts(const std::function<void(const AttemptRecord&)>&) const {}
  virtual Json DoReport() const { return Json::object(); }
  virtual std::optional<DatasetFigures> DoStoredFigures() const { return {}; }
};

// The columns that every episode has in the same shape. The others are appended to `odd`, each with
// the first episode that differs, in words.
std::vector<ColumnSpec> CommonColumns(const EpisodeSource& source,
                                      std::vector<std::string>* odd = nullptr);

}  // namespace understudy
