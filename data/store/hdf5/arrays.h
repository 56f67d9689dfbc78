#pragma once

// Arrays of numbers: what a file claims of one, whole ones, and those that grow row by row.
// `place` names the array in messages.

#include <hdf5.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/store/hdf5/column.h"
#include "data/store/hdf5/id.h"

namespace understudy::h5 {

inline constexpr uint64_t kMaxArrayBytes = uint64_t{1} << 31;

hid_t NativeType(ColumnType type);

// Type and sizes of a dataset as the file claims them: nothing has been allocated for it yet.
struct DatasetInfo {
  H5T_class_t type_class = H5T_NO_CLASS;
  size_t type_size = 0;
  bool is_signed = false;
  std::vector<hsize_t> dims;
  bool cut = false;  // dims[0] are the first of more rows (RowLimit in group.h)
  // Integers or floating-point numbers that a conversion needs no more memory for than for ours.
  bool is_number() const {
    return (type_class == H5T_INTEGER || type_class == H5T_FLOAT) && type_size <= 16;
  }
  // The column type of equal width and kind; none for other types.
  std::optional<ColumnType> type() const;
};
DatasetInfo InfoOf(const Id& dataset, const std::string& place);

// A contiguous array `name` below `parent`, written at once.
void CreateArray(hid_t parent, const std::string& name, const std::string& place,
                 const Column& column);
// Bytes that are not empty, as one deflated chunk.
void CreatePacked(hid_t parent, const std::string& name, const std::string& place,
                  std::string_view bytes);
// An array in chunks of 64 rows at column.path below `parent`, without rows yet.
Id CreateGrowingArray(hid_t parent, const std::string& place, const Column& column);
void AppendRows(const Id& dataset, const std::string& place, const Column& column);
void SetRowsOf(const Id& dataset, const std::string& place, hsize_t rows);

struct RowRange {
  hsize_t first = 0, count = 0;
};
// As `row_dims`: rows of any shape.
inline const std::vector<int64_t> kAnyShape{-2};
// Reads all rows, or `rows`, as `type`: numbers are converted between widths, never between text
// and number, booleans to bytes and float64. Refuses a rank of 0, other row sizes than `row_dims`
// (an entry of -1 takes any; {-1} one number per row too), and more than kMaxArrayBytes. The path
// of the result is empty.
Column ReadArray(const Id& dataset, const DatasetInfo& info, const std::string& place,
                 ColumnType type, const std::vector<int64_t>& row_dims,
                 const std::optional<RowRange>& rows = {});

}  // namespace understudy::h5
