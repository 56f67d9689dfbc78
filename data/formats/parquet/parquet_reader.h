#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace understudy {

// Reads columns of one Parquet file by ranges of rows, through Apache Arrow. Files are input: every
// function throws Error(kBadInput) that names file and column where it is missing, of another type,
// lacks a value (with the row) or would take more than 2 GiB; checksums of pages are verified where
// there are any. Holds the row group last read of every column. One thread.
class ParquetReader {
 public:
  explicit ParquetReader(const std::filesystem::path& file);
  ~ParquetReader();
  ParquetReader(ParquetReader&&) noexcept;
  ParquetReader& operator=(ParquetReader&&) noexcept;

  const std::filesystem::path& file() const;
  int64_t rows() const;
  const std::vector<std::string>& columns() const;
  bool Has(const std::string& column) const;
  // Whether the column holds numbers or booleans, alone or in lists.
  bool IsNumeric(const std::string& column) const;
  // Whether each of its rows is a text.
  bool IsTexts(const std::string& column) const;
  // The column that pandas takes for the index of its frame; empty: none.
  std::string PandasIndex() const;

  // Rows [first, first + count): numbers or booleans, `width` in each row, lists within lists
  // flattened, row-major. Whole numbers beyond 2^53 are rounded: Integers keeps them.
  std::vector<double> Numbers(const std::string& column, int64_t first, int64_t count,
                              size_t width) const;
  std::vector<int64_t> Integers(const std::string& column, int64_t first, int64_t count,
                                size_t width = 1) const;
  // The same, where numbers may be beyond those of int64.
  std::vector<uint64_t> Unsigned(const std::string& column, int64_t first, int64_t count,
                                 size_t width = 1) const;
  // Least and largest of a column of whole numbers, as the file says them of its row groups; unset
  // where it does not, or for unsigned ones.
  std::optional<std::pair<int64_t, int64_t>> StoredRange(const std::string& column) const;
  // `gaps`: rows without a value give an empty text.
  std::vector<std::string> Texts(const std::string& column, int64_t first, int64_t count,
                                 bool gaps = false) const;
  // Pictures as the `datasets` package stores them: bytes, a structure with `bytes`, or the path of
  // a file within `folder`.
  std::vector<std::string> Files(const std::string& column, int64_t first, int64_t count,
                                 const std::filesystem::path& folder = {}) const;
  // That every row has a picture, in the table or within `folder`; they are not read.
  void RequireFiles(const std::string& column, int64_t first, int64_t count,
                    const std::filesystem::path& folder) const;
  // The first of these rows without a value, or in whose lists one is missing, counted from
  // `first`; -1: there is none.
  int64_t FirstGap(const std::string& column, int64_t first, int64_t count) const;
  std::vector<std::vector<std::string>> TextLists(const std::string& column, int64_t first,
                                                  int64_t count) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace understudy
