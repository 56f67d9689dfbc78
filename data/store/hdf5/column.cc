#include "data/store/hdf5/column.h"

namespace understudy {

size_t BytesOf(ColumnType type) {
  switch (type) {
    case ColumnType::kF64:
    case ColumnType::kI64:
    case ColumnType::kU64:
      return 8;
    case ColumnType::kU8:
    case ColumnType::kI8:
    case ColumnType::kBool:
      return 1;
    case ColumnType::kI16:
    case ColumnType::kU16:
      return 2;
    default:
      return 4;
  }
}

const char* NameOf(ColumnType type) {
  switch (type) {
    case ColumnType::kF64:
      return "<f8";
    case ColumnType::kF32:
      return "<f4";
    case ColumnType::kU8:
      return "|u1";
    case ColumnType::kI32:
      return "<i4";
    case ColumnType::kU32:
      return "<u4";
    case ColumnType::kI64:
      return "<i8";
    case ColumnType::kI8:
      return "|i1";
    case ColumnType::kI16:
      return "<i2";
    case ColumnType::kU16:
      return "<u2";
    case ColumnType::kU64:
      return "<u8";
    case ColumnType::kBool:
      return "|b1";
  }
  return "";
}

}  // namespace understudy
