#pragma once

// Episodes of LeRobot folders into a new one, column by column and film by film.

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/formats/lerobot/episode_table.h"
#include "data/formats/lerobot/film.h"
#include "data/formats/lerobot/json_lines.h"
#include "data/formats/lerobot/lerobot.h"
#include "data/formats/lerobot/lerobot_folder.h"
#include "data/formats/lerobot/lerobot_import.h"
#include "data/formats/lerobot/lerobot_rows.h"
#include "data/formats/lerobot/lerobot_statistics.h"
#include "data/formats/lerobot/picture_shape.h"
#include "data/formats/lerobot/picture_totals.h"
#include "data/formats/parquet/parquet_copy.h"

namespace understudy {

// How many episodes each film holds.
std::map<std::filesystem::path, int64_t> EpisodesOfFilms(const LerobotFolder& folder);

// Rows of an episode that are copied, and what they are given.
struct EpisodeCut {
  int64_t first = 0;
  std::optional<int64_t> count = {};  // unset: to the end
  std::optional<std::string> task = {};
  std::optional<bool> success = {};  // next.success of the last row, if the folder has that feature
};

// What a copy lists in meta/.
struct CopiedLists {
  std::vector<std::string> tasks;  // those that have their numbers already, also unused ones
  Json splits;                     // of info.json
};

// One thread. Throws Error(kBadInput) for whatever LerobotRowReader and LerobotPictures refuse,
// Error(kFailed) where something cannot be written.
class LerobotCopier {
 public:
  // Folders of the same features and rate, the first of which gives info.json; they must outlive
  // the copier. `part` exists.
  LerobotCopier(const std::vector<const LerobotFolder*>& folders, std::filesystem::path part,
                const LerobotOptions& options, const LerobotImportOptions& reading,
                CopiedLists lists);
  ~LerobotCopier();

  void Copy(size_t folder, const LerobotEpisode& episode, const EpisodeCut& cut = {});
  // Requires an episode.
  void Finish(LerobotReport& report);

 private:
  struct Source;
  // Where a film of an episode stands in the copy.
  struct FilmPlace {
    FileIndex file;
    int64_t first_frame = 0;
  };
  // An episode on its way.
  struct Passage {
    Source& from;
    const LerobotEpisode& episode;
    EpisodeCut cut;
    int64_t count = 0;  // of its rows
    bool whole = true;
    std::vector<std::vector<double>> values;  // per feature, as they are in the copy
  };

  Passage Read(Source& from, const LerobotEpisode& episode, const EpisodeCut& cut);
  int64_t TaskNumber(const std::string& text);
  void CopyRows(const Passage& passage);
  FilmPlace CopyFilm(const Passage& passage, size_t film);
  void EncodeAnew(const LerobotFolder& folder, size_t film, const LerobotEpisode::Place& from,
                  const std::filesystem::path& to, int64_t count);
  std::map<std::string, ShapedStatistics> Statistics(const Passage& passage);
  ShapedStatistics PictureStatistics(const Passage& passage, size_t camera);
  std::optional<ShapedStatistics> StoredPictures(const Passage& passage, size_t camera);
  std::vector<std::string> TasksOf(const Passage& passage) const;
  std::string Chunk() const;
  std::string Name() const;
  const std::string& KeyOf(size_t camera) const;
  void WriteTasks() const;
  void WriteInfo() const;
  void CopyOtherFiles() const;

  std::vector<std::unique_ptr<Source>> sources_;
  const LerobotFolder& common_;  // the first one
  const std::filesystem::path part_;
  const LerobotOptions options_;
  const bool v3_;
  std::vector<std::string> tasks_;  // LeRobot takes the number of a task for its place in the list
  const Json splits_;
  int64_t number_ = 0, index_ = 0;  // of the episode, of its first row

  std::optional<ParquetRows> open_;
  std::unique_ptr<ParquetCopy> data_;
  FileIndex data_file_;
  int64_t data_files_ = 0, video_files_ = 0;
  std::vector<VectorStatistics> totals_;
  std::vector<PictureTotals> picture_totals_;
  std::vector<std::optional<bool>> with_quantiles_;
  CopiedSizes sizes_;
  // v3.0: where each film of each folder went
  std::vector<std::map<std::pair<const Source*, std::filesystem::path>, FileIndex>> film_files_;
  std::vector<std::optional<VideoReport>> anew_;  // films that were encoded anew
  std::unique_ptr<EpisodeTable> table_;
  std::unique_ptr<JsonLines> list_, statistics_;
};

}  // namespace understudy
