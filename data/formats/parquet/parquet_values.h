#pragma once

// Numbers out of Arrow's arrays; internal to this folder.

#include <arrow/api.h>
#include <arrow/util/float16.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <vector>

namespace understudy {

inline constexpr int kMaxNesting = 8;  // lists within lists

inline bool IsNumber(arrow::Type::type id) {
  return (id >= arrow::Type::BOOL && id <= arrow::Type::INT64) || id == arrow::Type::HALF_FLOAT ||
         id == arrow::Type::FLOAT || id == arrow::Type::DOUBLE;
}

inline bool IsList(const arrow::DataType& type) {
  return type.id() == arrow::Type::LIST || type.id() == arrow::Type::LARGE_LIST ||
         type.id() == arrow::Type::FIXED_SIZE_LIST;
}

// The type of the items in lists of lists.
inline const arrow::DataType* Innermost(const arrow::DataType* type) {
  for (int depth = 0; IsList(*type) && depth < kMaxNesting; ++depth) {
    type = type->field(0)->type().get();
  }
  return type;
}

// Items of every list of an array of lists; -1 where they differ.
template <class Lists>
int64_t CommonSize(const Lists& lists) {
  const int64_t size = lists.length() > 0 ? lists.value_length(0) : 0;
  for (int64_t i = 1; i < lists.length(); ++i) {
    if (lists.value_length(i) != size) return -1;
  }
  return size;
}

// The first row that is null or whose lists hold a null; -1: none.
inline int64_t FirstNull(const std::shared_ptr<arrow::Array>& array, int depth = 0) {
  if (array->null_count() != 0) {
    int64_t row = 0;
    while (!array->IsNull(row)) ++row;
    return row;
  }
  if (!IsList(*array->type()) || depth == kMaxNesting) return -1;
  const auto in = [&](const auto& lists) -> int64_t {
    const auto items = lists.Flatten();
    if (!items.ok()) throw std::runtime_error(items.status().message());
    int64_t left = FirstNull(*items, depth + 1), row = 0;
    if (left < 0) return -1;
    for (; left >= lists.value_length(row); ++row) left -= lists.value_length(row);
    return row;
  };
  if (array->type_id() == arrow::Type::LIST) {
    return in(static_cast<const arrow::ListArray&>(*array));
  }
  if (array->type_id() == arrow::Type::LARGE_LIST) {
    return in(static_cast<const arrow::LargeListArray&>(*array));
  }
  return in(static_cast<const arrow::FixedSizeListArray&>(*array));
}

// The same of arrays one behind the other.
inline int64_t FirstNull(const std::vector<std::shared_ptr<arrow::Array>>& slices) {
  int64_t row = 0;
  for (const std::shared_ptr<arrow::Array>& slice : slices) {
    const int64_t gap = FirstNull(slice);
    if (gap >= 0) return row + gap;
    row += slice->length();
  }
  return -1;
}

namespace parquet_internal {
template <class Array, class Number>
bool Append(const arrow::Array& array, std::vector<Number>& to) {
  const auto& typed = static_cast<const Array&>(array);
  for (int64_t i = 0; i < typed.length(); ++i) to.push_back(static_cast<Number>(typed.Value(i)));
  return true;
}
template <class Number>
bool AppendHalves(const arrow::Array& array, std::vector<Number>& to) {
  const auto& typed = static_cast<const arrow::HalfFloatArray&>(array);
  for (int64_t i = 0; i < typed.length(); ++i) {
    const auto half = arrow::util::Float16::FromBits(typed.Value(i));
    to.push_back(static_cast<Number>(half.ToDouble()));
  }
  return true;
}
}  // namespace parquet_internal

// False for types that are no numbers.
template <class Number>
bool AppendNumbers(const arrow::Array& array, std::vector<Number>& to) {
  using namespace parquet_internal;
  switch (array.type_id()) {
    case arrow::Type::HALF_FLOAT:
      return AppendHalves(array, to);
    case arrow::Type::FLOAT:
      return Append<arrow::FloatArray>(array, to);
    case arrow::Type::DOUBLE:
      return Append<arrow::DoubleArray>(array, to);
    case arrow::Type::BOOL:
      return Append<arrow::BooleanArray>(array, to);
    case arrow::Type::INT8:
      return Append<arrow::Int8Array>(array, to);
    case arrow::Type::INT16:
      return Append<arrow::Int16Array>(array, to);
    case arrow::Type::INT32:
      return Append<arrow::Int32Array>(array, to);
    case arrow::Type::INT64:
      return Append<arrow::Int64Array>(array, to);
    case arrow::Type::UINT8:
      return Append<arrow::UInt8Array>(array, to);
    case arrow::Type::UINT16:
      return Append<arrow::UInt16Array>(array, to);
    case arrow::Type::UINT32:
      return Append<arrow::UInt32Array>(array, to);
    case arrow::Type::UINT64:
      return Append<arrow::UInt64Array>(array, to);
    default:
      return false;
  }
}

}  // namespace understudy
