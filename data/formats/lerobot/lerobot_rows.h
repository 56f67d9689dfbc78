#pragma once

// Rows and pictures of the episodes of a LeRobot dataset.

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "data/formats/lerobot/lerobot_folder.h"
#include "data/formats/parquet/parquet_reader.h"
#include "data/store/hdf5_source.h"
#include "data/video/video_reader.h"

namespace understudy {

struct LerobotRows {
  std::vector<std::vector<double>> values;  // per feature of the folder, row-major
  std::string task;                         // of the first row; empty where there is none
  bool several_tasks = false;               // later rows have another one
  // Per feature of folder.texts, a text per row; empty where the Parquet file has no such column.
  std::vector<std::vector<std::string>> texts;
};

// Reads episodes from Parquet, best in order. One thread.
class LerobotRowReader {
 public:
  // `folder` must outlive the reader.
  LerobotRowReader(const LerobotFolder& folder, double tolerance_s)
      : folder_(folder), tolerance_s_(tolerance_s) {}

  // Throws Error(kBadInput) naming file, column and row: missing columns, lists of another size,
  // numbers that are none, indices that do not count up, times off by more than the tolerance,
  // tasks that are not listed.
  LerobotRows Read(const LerobotEpisode& episode);
  // The numbers of one feature as they are stored. Throws Error(kBadInput) where the column is
  // missing or of another size, or one of them is no double.
  std::vector<double> ReadFeature(const LerobotEpisode& episode, const LerobotFeature& feature);
  // The same of a feature of whole numbers, exactly. Requires that int64 holds them.
  std::vector<int64_t> ReadWhole(const LerobotEpisode& episode, const LerobotFeature& feature);
  // That every row has its pictures of image features, which are not decoded. Throws
  // Error(kBadInput) naming file, column and row.
  void RequirePictures(const LerobotEpisode& episode);
  // One picture of an image feature, PNG or JPEG, in the Parquet file or named by it.
  Image ReadPicture(const LerobotEpisode& episode, const std::string& feature, int64_t row);
  // The same as it is stored.
  std::string PictureFile(const LerobotEpisode& episode, const std::string& feature, int64_t row);
  // Features met so far that have no column of texts.
  const std::set<std::string>& without_texts() const { return without_texts_; }
  // Columns met so far that info.json does not name.
  const std::set<std::string>& unlisted() const { return unlisted_; }

 private:
  void Open(const LerobotEpisode& episode);
  // As ReadFeature; a number that is no double is rounded, and `beyond` names the first one.
  std::vector<double> Rounded(const LerobotEpisode& episode, const LerobotFeature& feature,
                              std::string* beyond);
  // Rounded, of the open file as it is.
  std::vector<double> Stored(const LerobotEpisode& episode, const LerobotFeature& feature,
                             std::string* beyond);
  // Throws Error(kBadInput) with the first row that lacks a value.
  void RefuseGaps(const LerobotEpisode& episode, const LerobotFeature& feature);
  // What the rows must say, of a folder that is mended; nothing for other features.
  std::vector<double> MustBe(const LerobotEpisode& episode, const LerobotFeature& feature) const;
  void CheckIndices(const LerobotEpisode& episode, const LerobotRows& rows) const;

  const LerobotFolder& folder_;
  double tolerance_s_;
  std::optional<ParquetReader> file_;
  std::set<std::string> unlisted_, without_texts_;
};

// Reads pictures from the films, best in order. One thread.
class LerobotPictures {
 public:
  // `folder` must outlive the reader. A frame may be shown `tolerance_s`, or a quarter of a frame,
  // from its row's time.
  LerobotPictures(const LerobotFolder& folder, double tolerance_s)
      : folder_(folder), tolerance_s_(tolerance_s), readers_(folder.films.size()) {}

  // The film that the episode stands in. Throws Error(kBadInput) where it has not a frame for every
  // row of the episode, or frames that are not at the times of their rows.
  const VideoReader& Open(const LerobotEpisode& episode, size_t film);
  // Valid until the next call for this film.
  const Image& Read(const LerobotEpisode& episode, size_t film, int64_t row);
  // What was odd about films so far, in words.
  const std::set<std::string>& notes() const { return notes_; }

 private:
  VideoReader OpenFilm(const std::filesystem::path& file, size_t film);

  const LerobotFolder& folder_;
  double tolerance_s_;
  std::set<std::string> notes_;
  std::vector<std::optional<VideoReader>> readers_;
  std::map<std::filesystem::path, std::string> refused_;  // films, and why: they are not read again
};

// Opens a film of the folder. Throws Error(kBadInput) where it is missing, cannot be read or has
// frames that are not at the times of their rows.
VideoReader OpenFilmOf(const LerobotFolder& folder, const std::filesystem::path& file,
                       double tolerance_s);
// Throws Error(kBadInput) where the film has not a frame for every row of the episode.
void RequireFrames(const LerobotFolder& folder, const LerobotEpisode& episode, size_t film,
                   const VideoReader& reader);

// Throws Error(kBadInput) naming episode, camera and both sizes where pictures of a camera have
// another size than the first ones. Reads the beginnings of films and pictures; what cannot be read
// is left to whoever reads it.
void RequireOneSizes(const LerobotFolder& folder);

// Per episode, why its rows or films cannot be read; empty: they can. Films and pictures are not
// decoded. Pictures of another size than most episodes begin with are a reason.
std::vector<std::string> FaultsOfEpisodes(const LerobotFolder& folder, double tolerance_s);

// All pictures of a camera have one size: the first ones', which `width` and `height` keep, 0
// before. Throws Error(kBadInput) beginning with `place` where `found` is another one.
void RequireOneSize(const std::pair<int, int>& found, const std::string& place, int& width,
                    int& height);

}  // namespace understudy
