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

// Writes one Parquet file of rows of others: columns, their types and the file's metadata as they
// are. Grows as `file`.part; Finish gives it its name. One thread. Throws Error(kFailed) naming the
// file where it cannot be written.
class ParquetCopy {
 public:
  explicit ParquetCopy(const std::filesystem::path& file);
  ~ParquetCopy();
  ParquetCopy(ParquetCopy&&) noexcept;

  // Rows [first, first + count) become the next row group; columns of `replaced` that are there get
  // these numbers, as int64 where they are neither fractions nor booleans. False, and nothing is
  // written, where columns or types are not those of the rows before.
  bool Append(ParquetRows& from, int64_t first, int64_t count,
              const std::map<std::string, std::vector<double>>& replaced);
  int64_t bytes() const;
  void Finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace understudy
