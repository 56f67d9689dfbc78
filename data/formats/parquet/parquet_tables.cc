#include "data/formats/parquet/parquet_tables.h"

#include <arrow/util/float16.h>

#include <algorithm>
#include <limits>

#include "data/formats/parquet/parquet_values.h"

namespace understudy {
namespace {

using arrow::Result;
using ArrayPtr = std::shared_ptr<arrow::Array>;

// Null where a number does not fit.
template <class Builder, class T>
Result<ArrayPtr> Whole(const std::vector<double>& values) {
  // 2^63 and 2^64 are doubles, the largest numbers of 64 bits are none
  const double end = static_cast<double>(std::numeric_limits<T>::max() / 2 + 1) * 2;
  const auto fits = [&](double v) {
    return v >= static_cast<double>(std::numeric_limits<T>::min()) && v < end;
  };
  if (!std::all_of(values.begin(), values.end(), fits)) return ArrayPtr();
  Builder builder;
  for (const double v : values) ARROW_RETURN_NOT_OK(builder.Append(static_cast<T>(v)));
  return builder.Finish();
}

template <class Builder, class Convert>
Result<ArrayPtr> Converted(const std::vector<double>& values, Convert convert) {
  Builder builder;
  for (const double v : values) ARROW_RETURN_NOT_OK(builder.Append(convert(v)));
  return builder.Finish();
}

// Null where the type is no number, or a number does not fit.
Result<ArrayPtr> Flat(const arrow::DataType& type, const std::vector<double>& values) {
  using namespace arrow;
  switch (type.id()) {
    case Type::BOOL:
      return Converted<BooleanBuilder>(values, [](double v) { return v != 0; });
    case Type::HALF_FLOAT:
      return Converted<HalfFloatBuilder>(
          values, [](double v) { return arrow::util::Float16::FromDouble(v).bits(); });
    case Type::FLOAT:
      return Converted<FloatBuilder>(values, [](double v) { return static_cast<float>(v); });
    case Type::DOUBLE:
      return Converted<DoubleBuilder>(values, [](double v) { return v; });
    case Type::INT8:
      return Whole<Int8Builder, int8_t>(values);
    case Type::INT16:
      return Whole<Int16Builder, int16_t>(values);
    case Type::INT32:
      return Whole<Int32Builder, int32_t>(values);
    case Type::INT64:
      return Whole<Int64Builder, int64_t>(values);
    case Type::UINT8:
      return Whole<UInt8Builder, uint8_t>(values);
    case Type::UINT16:
      return Whole<UInt16Builder, uint16_t>(values);
    case Type::UINT32:
      return Whole<UInt32Builder, uint32_t>(values);
    case Type::UINT64:
      return Whole<UInt64Builder, uint64_t>(values);
    default:
      return ArrayPtr();
  }
}

template <class Array, class Offset>
ArrayPtr ListsOfOne(const std::shared_ptr<arrow::DataType>& type, const ArrayPtr& items) {
  std::vector<Offset> offsets;
  for (int64_t i = 0; i <= items->length(); ++i) offsets.push_back(static_cast<Offset>(i));
  return std::make_shared<Array>(type, items->length(), arrow::Buffer::FromVector(offsets), items);
}

Result<ArrayPtr> Nested(const std::shared_ptr<arrow::DataType>& type,
                        const std::vector<double>& values, int depth) {
  if (!IsList(*type)) return Flat(*type, values);
  if (depth == kMaxNesting) return ArrayPtr();
  const bool fixed = type->id() == arrow::Type::FIXED_SIZE_LIST;
  if (fixed && static_cast<const arrow::FixedSizeListType&>(*type).list_size() != 1) {
    return ArrayPtr();
  }
  ARROW_ASSIGN_OR_RAISE(const ArrayPtr items, Nested(type->field(0)->type(), values, depth + 1));
  if (!items) return items;
  if (fixed) return std::make_shared<arrow::FixedSizeListArray>(type, items->length(), items);
  if (type->id() == arrow::Type::LIST) return ListsOfOne<arrow::ListArray, int32_t>(type, items);
  return ListsOfOne<arrow::LargeListArray, int64_t>(type, items);
}

}  // namespace

Result<ArrayPtr> ArrayLike(const std::shared_ptr<arrow::DataType>& type,
                           const std::vector<double>& values) {
  ARROW_ASSIGN_OR_RAISE(ArrayPtr array, Nested(type, values, 0));
  if (array) return array;
  return Converted<arrow::Int64Builder>(values, [](double v) { return static_cast<int64_t>(v); });
}

Result<std::shared_ptr<arrow::Table>> RowsInOrder(const std::shared_ptr<arrow::Table>& table,
                                                  const std::vector<int64_t>& order) {
  // rows that stand together go together
  std::vector<std::shared_ptr<arrow::Table>> parts;
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    end = begin + 1;
    while (end < order.size() && order[end] == order[end - 1] + 1) ++end;
    parts.push_back(table->Slice(order[begin], static_cast<int64_t>(end - begin)));
  }
  ARROW_ASSIGN_OR_RAISE(const auto rows, arrow::ConcatenateTables(parts));
  return rows->CombineChunks();
}

}  // namespace understudy
