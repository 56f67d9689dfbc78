#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace understudy {

// One column of a table: numbers, texts or lists of texts. `dims` makes each row an array of that
// shape (fixed-size lists, row-major in `values`); empty: scalars.
struct ParquetColumn {
  struct Bools {
    std::vector<uint8_t> values;
  };
  struct Halves {  // float16
    std::vector<float> values;
  };
  std::string name;
  std::variant<std::vector<float>, std::vector<double>, std::vector<int64_t>, Bools, Halves,
               std::vector<int8_t>, std::vector<int16_t>, std::vector<int32_t>,
               std::vector<uint8_t>, std::vector<uint16_t>, std::vector<uint32_t>,
               std::vector<uint64_t>, std::vector<std::string>,
               std::vector<std::vector<std::string>>>
      values;
  std::vector<int> dims = {};
};

// Writes one Parquet file (snappy, dictionaries, page checksums) through Apache Arrow. Grows as
// `file`.part; Finish gives it its name. One thread. Throws Error(kFailed) naming the file where it
// cannot be written.
class ParquetWriter {
 public:
  // `pandas_index` names a column that pandas is to take as the index of its frame; empty: none.
  explicit ParquetWriter(const std::filesystem::path& file, const std::string& pandas_index = "");
  // Without Finish the .part file is removed.
  ~ParquetWriter();
  ParquetWriter(ParquetWriter&&) noexcept;

  // The next row group. Every call has the same columns, each of the same number of rows.
  void Append(const std::vector<ParquetColumn>& columns);
  int64_t bytes() const;  // written so far
  void Finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// "26.0.1", of the Arrow that is loaded.
std::string ArrowVersion();

}  // namespace understudy
