#pragma once

// The statistics that a LeRobot dataset stores: its policies normalise by them.

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "data/formats/lerobot/lerobot_folder.h"
#include "data/formats/parquet/parquet_reader.h"

namespace understudy {

// "min", "mean", … and their numbers, as they stand in the file. Colours of pictures are flat.
using StoredStatistics = std::map<std::string, std::vector<double>>;

// Reads them as each version writes them, one episode at a time: v2.0 stores the dataset's alone
// (meta/stats.json), v2.1 each episode's (meta/episodes_stats.jsonl), v3.0 both
// (meta/episodes/…parquet). One thread.
class LerobotStatistics {
 public:
  // `folder` must outlive it. Throws Error(kBadInput) naming the file that cannot be read.
  explicit LerobotStatistics(const LerobotFolder& folder);

  // Where each kind must stand; empty: this version has none.
  const std::filesystem::path& file_of_dataset() const { return dataset_file_; }
  const std::filesystem::path& file_of_episodes() const { return episodes_file_; }
  bool has_dataset() const { return !dataset_.is_null(); }
  bool has_episodes() const { return !line_of_.empty() || !row_of_.empty(); }

  // Nothing where the feature is not stored. Throws Error(kBadInput) where it cannot be read, such
  // as of another `width` in Parquet.
  std::optional<StoredStatistics> OfDataset(const std::string& feature) const;
  std::optional<StoredStatistics> OfEpisode(int64_t episode, const std::string& feature,
                                            size_t width);

 private:
  struct Row {
    size_t file = 0;
    int64_t row = 0;
  };
  void FindLines();
  void FindRows();

  const LerobotFolder& folder_;
  std::filesystem::path dataset_file_, episodes_file_;
  Json dataset_;
  // v2.1: where the lines begin, and the last one read
  std::ifstream lines_;
  std::map<int64_t, std::streamoff> line_of_;
  int64_t line_read_ = -1;
  Json line_;
  // v3.0
  std::vector<std::filesystem::path> files_;
  size_t open_ = 0;  // which of them
  std::optional<ParquetReader> file_;
  std::map<int64_t, Row> row_of_;
};

}  // namespace understudy
