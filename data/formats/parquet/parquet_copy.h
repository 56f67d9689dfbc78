#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace understudy {

// The rows of one Parquet file with all its columns, of whatever types, to be copied. Holds one row
// group. One thread. Throws Error(kBadInput) naming the file where it cannot be read.
class ParquetRows {
 public:
  explicit ParquetRows(const std::filesystem::path& file);
  ~ParquetRows();
  ParquetRows(ParquetRows&&) noexcept;
  ParquetRows& operator=(ParquetRows&&) noexcept;
  const std::filesystem::path& file() const;

 private:
  friend class ParquetCopy;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Rows of a file that are copied, and what they are given.
struct RowsToCopy {
  int64_t first = 0, count = 0;
  std::vector<int64_t> order = {};  // of `count` rows, counted from `first`; empty: as they stand
  // Columns that get these numbers, where they are there. Their types stay where they hold them.
  std::map<std::string, std::vector<double>> replaced = {};
  // Columns of pictures, and the folder that holds those that rows only name: their bytes are
  // taken into the file.
  std::vector<std::string> pictures = {};
  std::filesystem::path folder = {};
};

// Writes one Parquet file of rows of others: columns, their types and the file's metadata as they
// are. Grows as `file`.part; Finish gives it its name. One thread. Throws Error(kFailed) naming the
// file where it cannot be written.
class ParquetCopy {
 public:
  explicit ParquetCopy(const std::filesystem::path& file);
  ~ParquetCopy();
  ParquetCopy(ParquetCopy&&) noexcept;

  // They become the next row group. False, and nothing is written, where columns or types are not
  // those of the rows before. Throws Error(kBadInput) where a picture is not there.
  bool Append(ParquetRows& from, const RowsToCopy& rows);
  int64_t bytes() const;
  void Finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace understudy
