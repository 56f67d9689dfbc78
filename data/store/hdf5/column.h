#pragma once

// Columns: the form in which rows of an episode travel between values and a file.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

namespace understudy {

enum class ColumnType {
  kF64,
  kF32,
  kU8,
  kI32,
  kU32,
  kI64,
  kI8,
  kI16,
  kU16,
  kU64,
  kBool  // bytes of 0 and 1, stored as h5py does
};

size_t BytesOf(ColumnType type);
const char* NameOf(ColumnType type);  // numpy's: "<f8", …

template <class T>
constexpr ColumnType TypeOf() {
  if constexpr (std::is_same_v<T, double>)
    return ColumnType::kF64;
  else if constexpr (std::is_same_v<T, float>)
    return ColumnType::kF32;
  else if constexpr (std::is_same_v<T, uint8_t>)
    return ColumnType::kU8;
  else if constexpr (std::is_same_v<T, int32_t>)
    return ColumnType::kI32;
  else if constexpr (std::is_same_v<T, uint32_t>)
    return ColumnType::kU32;
  else
    return ColumnType::kI64;
}

// Rows of equal shape, one dataset of the file.
struct Column {
  std::string path;  // below the episode's group: "obs/object"
  ColumnType type = ColumnType::kF64;
  std::vector<size_t> row_dims;  // shape of one row; empty: a number per row
  size_t rows = 0;
  std::vector<uint8_t> bytes;  // row-major, native order
  bool half = false;           // of kF32: stored as float16
  std::string unit, clock;     // attributes; set on columns of time

  Column() = default;
  Column(std::string p, ColumnType t, std::vector<size_t> d)
      : path(std::move(p)), type(t), row_dims(std::move(d)) {}

  size_t row_size() const {  // numbers per row
    size_t n = 1;
    for (const size_t d : row_dims) n *= d;
    return n;
  }
  template <class T>
  void Push(T value) {
    Push(&value, 1);
  }
  template <class T>
  void Push(const T* values, size_t count) {
    const auto* p = reinterpret_cast<const uint8_t*>(values);
    bytes.insert(bytes.end(), p, p + count * sizeof(T));
  }
  // Number `i` of row `row`. The type must be the column's.
  template <class T>
  T At(size_t row, size_t i = 0) const {
    T value;
    std::memcpy(&value, bytes.data() + (row * row_size() + i) * sizeof(T), sizeof(T));
    return value;
  }
};

}  // namespace understudy
