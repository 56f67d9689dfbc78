#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/formats/lerobot/feature_statistics.h"
#include "data/formats/parquet/parquet_writer.h"

namespace understudy {

// Rows of v3.0's meta/episodes, gathered to row groups. One thread.
class EpisodeTable {
 public:
  explicit EpisodeTable(const std::filesystem::path& file) : writer_(file) {}

  // Begin, values in the same order for every episode, End.
  void Begin() { at_ = 0; }
  void Int(const std::string& name, int64_t value);
  void Double(const std::string& name, double value);
  void Texts(const std::string& name, const std::vector<std::string>& texts);
  // Those that there are, each of shape `dims`.
  void Statistics(const std::string& feature, const FeatureStatistics& statistics,
                  const std::vector<int>& dims);
  void End();
  void Finish();

 private:
  template <class Values>
  ParquetColumn& Next(const std::string& name, const Values& empty);
  void Flush();

  ParquetWriter writer_;
  std::vector<ParquetColumn> columns_;
  size_t at_ = 0, rows_ = 0;
};

}  // namespace understudy
