#include "data/store/hdf5/arrays.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"
#include "data/store/hdf5/attributes.h"
#include "data/store/hdf5/creation.h"
#include "data/store/hdf5/errors.h"
#include "data/store/hdf5/filters.h"
#include "data/store/hdf5/links.h"
#include "data/store/hdf5/lock.h"

namespace understudy::h5 {
namespace {

std::vector<hsize_t> Shape(const Column& column) {
  std::vector<hsize_t> dims{column.rows};
  dims.insert(dims.end(), column.row_dims.begin(), column.row_dims.end());
  return dims;
}

std::string ShapeText(const std::vector<hsize_t>& dims) {
  return fmt::format("({})", fmt::join(dims, ", "));
}

// numpy's float16.
hid_t HalfType() {
  static const hid_t type = [] {
    const hid_t id = H5Tcopy(H5T_IEEE_F32LE);
    H5Tset_fields(id, 15, 10, 5, 0, 10);
    H5Tset_size(id, 2);
    H5Tset_ebias(id, 15);
    return id;
  }();
  return type;
}

void WriteClock(const Id& dataset, const std::string& place, const Column& column) {
  if (!column.unit.empty()) WriteTextInHeader(dataset.get(), place, "unit", column.unit);
  if (!column.clock.empty()) WriteTextInHeader(dataset.get(), place, "clock", column.clock);
}

}  // namespace

DatasetInfo InfoOf(const Id& dataset, const std::string& place) {
  const Guard guard;
  const Id type(H5Dget_type(dataset.get()));
  const Id space(H5Dget_space(dataset.get()));
  DatasetInfo info;
  info.type_class = H5Tget_class(type.get());
  info.type_size = H5Tget_size(type.get());
  info.is_signed = info.type_class == H5T_INTEGER && H5Tget_sign(type.get()) == H5T_SGN_2;
  const int rank = H5Sget_simple_extent_ndims(space.get());
  if (rank < 0) FailReading(place, "its shape cannot be read");
  info.dims.resize(static_cast<size_t>(rank));
  if (rank > 0) H5Sget_simple_extent_dims(space.get(), info.dims.data(), nullptr);
  return info;
}

std::optional<ColumnType> DatasetInfo::type() const {
  if (type_class == H5T_FLOAT && type_size == 8) return ColumnType::kF64;
  if (type_class == H5T_FLOAT && type_size == 4) return ColumnType::kF32;
  if (type_class != H5T_INTEGER) return {};
  switch (type_size) {
    case 1:
      return is_signed ? ColumnType::kI8 : ColumnType::kU8;
    case 2:
      return is_signed ? ColumnType::kI16 : ColumnType::kU16;
    case 4:
      return is_signed ? ColumnType::kI32 : ColumnType::kU32;
    case 8:
      return is_signed ? ColumnType::kI64 : ColumnType::kU64;
    default:
      return {};
  }
}

hid_t NativeType(ColumnType type) {
  switch (type) {
    case ColumnType::kF64:
      return H5T_NATIVE_DOUBLE;
    case ColumnType::kF32:
      return H5T_NATIVE_FLOAT;
    case ColumnType::kU8:
      return H5T_NATIVE_UINT8;
    case ColumnType::kI32:
      return H5T_NATIVE_INT32;
    case ColumnType::kU32:
      return H5T_NATIVE_UINT32;
    case ColumnType::kI64:
      return H5T_NATIVE_INT64;
    case ColumnType::kI8:
      return H5T_NATIVE_INT8;
    case ColumnType::kI16:
      return H5T_NATIVE_INT16;
    case ColumnType::kU16:
      return H5T_NATIVE_UINT16;
    case ColumnType::kU64:
      return H5T_NATIVE_UINT64;
    case ColumnType::kBool:
      return BoolType();
  }
  return -1;
}

void CreateArray(hid_t parent, const std::string& name, const std::string& place,
                 const Column& column) {
  const Guard guard;
  const std::vector<hsize_t> dims = Shape(column);
  const Id space(H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr));
  const hid_t type = NativeType(column.type);
  const hid_t stored = column.half ? HalfType() : type;
  const Id dataset(H5Dcreate2(parent, name.c_str(), stored, space.get(), LinkCreation(),
                              ArrayCreation(column.bytes.size()), H5P_DEFAULT));
  if (!dataset.valid()) FailWriting(place, "cannot create the dataset");
  if (!column.bytes.empty() &&
      H5Dwrite(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, column.bytes.data()) < 0) {
    FailWriting(place, "cannot write");
  }
  WriteClock(dataset, place, column);
}

void CreatePacked(hid_t parent, const std::string& name, const std::string& place,
                  std::string_view bytes) {
  const Guard guard;
  constexpr unsigned kLevel = 6;
  const hsize_t size = bytes.size();
  const Id space(H5Screate_simple(1, &size, nullptr)), plist(H5Pcreate(H5P_DATASET_CREATE));
  H5Pset_obj_track_times(plist.get(), false);
  H5Pset_chunk(plist.get(), 1, &size);
  H5Pset_deflate(plist.get(), kLevel);
  const Id dataset(H5Dcreate2(parent, name.c_str(), H5T_NATIVE_UINT8, space.get(), LinkCreation(),
                              plist.get(), H5P_DEFAULT));
  if (!dataset.valid()) FailWriting(place, "cannot create the dataset");
  if (H5Dwrite(dataset.get(), H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()) < 0) {
    FailWriting(place, "cannot write");
  }
}

Id CreateGrowingArray(hid_t parent, const std::string& place, const Column& column) {
  const Guard guard;
  constexpr hsize_t kChunkRows = 64;
  std::vector<hsize_t> start = Shape(column), limit = start, chunk = start;
  start[0] = 0;
  limit[0] = H5S_UNLIMITED;
  chunk[0] = kChunkRows;
  // a chunk may not be empty even where rows are
  for (hsize_t& n : chunk) n = std::max<hsize_t>(n, 1);
  const int rank = static_cast<int>(start.size());
  const Id space(H5Screate_simple(rank, start.data(), limit.data()));
  const Id plist(H5Pcreate(H5P_DATASET_CREATE));
  H5Pset_chunk(plist.get(), rank, chunk.data());
  Id dataset(H5Dcreate2(parent, column.path.c_str(), NativeType(column.type), space.get(),
                        LinkCreation(), plist.get(), H5P_DEFAULT));
  if (!dataset.valid()) FailWriting(place, "cannot create the dataset");
  WriteClock(dataset, place, column);
  return dataset;
}

void AppendRows(const Id& dataset, const std::string& place, const Column& column) {
  const Guard guard;
  const std::vector<hsize_t> dims = Shape(column);
  std::vector<hsize_t> size(dims.size());
  const Id before(H5Dget_space(dataset.get()));
  H5Sget_simple_extent_dims(before.get(), size.data(), nullptr);
  const std::vector<hsize_t> want(dims.begin() + 1, dims.end());
  Require(std::vector<hsize_t>(size.begin() + 1, size.end()) == want,
          "rows of a growing dataset keep their shape");
  std::vector<hsize_t> offset(dims.size(), 0);
  offset[0] = size[0];
  size[0] += dims[0];
  if (H5Dset_extent(dataset.get(), size.data()) < 0) FailWriting(place, "cannot grow");
  if (column.bytes.empty()) return;
  const Id memory(H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr));
  const Id file_space(H5Dget_space(dataset.get()));
  H5Sselect_hyperslab(file_space.get(), H5S_SELECT_SET, offset.data(), nullptr, dims.data(),
                      nullptr);
  if (H5Dwrite(dataset.get(), NativeType(column.type), memory.get(), file_space.get(), H5P_DEFAULT,
               column.bytes.data()) < 0) {
    FailWriting(place, "cannot write");
  }
}

void SetRowsOf(const Id& dataset, const std::string& place, hsize_t rows) {
  const Guard guard;
  std::vector<hsize_t> dims = InfoOf(dataset, place).dims;
  if (dims.empty()) FailReading(place, "has no rows");
  dims[0] = rows;
  if (H5Dset_extent(dataset.get(), dims.data()) < 0) FailWriting(place, "cannot be cut");
}

Column ReadArray(const Id& dataset, const DatasetInfo& info, const std::string& place,
                 ColumnType type, const std::vector<int64_t>& row_dims,
                 const std::optional<RowRange>& wanted) {
  const Guard guard;
  std::optional<RowRange> rows = wanted;
  if (!rows && info.cut) rows = RowRange{0, info.dims[0]};
  if (!info.is_number() && info.type_class != H5T_ENUM) {
    FailReading(place, "must hold numbers");
  }
  if (info.dims.empty()) FailReading(place, "must have rows, is a single value");
  // booleans as numbers: by way of their bytes
  if (info.type_class == H5T_ENUM && info.type_size == 1 && type == ColumnType::kF64) {
    const Column flags = ReadArray(dataset, info, place, ColumnType::kU8, row_dims, wanted);
    Column numbers("", type, flags.row_dims);
    numbers.rows = flags.rows;
    for (const uint8_t flag : flags.bytes) numbers.Push(static_cast<double>(flag));
    return numbers;
  }
  // compare shapes, then sizes, before any memory is taken
  const bool any_shape = row_dims == kAnyShape;
  // one number per row is a list of one
  const bool flat = info.dims.size() == 1 && row_dims == std::vector<int64_t>{-1};
  bool fits = any_shape || flat || info.dims.size() == row_dims.size() + 1;
  for (size_t i = 0; fits && !any_shape && !flat && i < row_dims.size(); ++i) {
    fits = row_dims[i] < 0 || info.dims[i + 1] == static_cast<hsize_t>(row_dims[i]);
  }
  if (!fits) {
    std::string want;
    for (const int64_t d : row_dims) want += d < 0 ? ", any" : fmt::format(", {}", d);
    FailReading(place, fmt::format("has shape {}, must have (rows{})", ShapeText(info.dims), want));
  }
  const auto bytes_of = [&](std::vector<hsize_t> dims, uint64_t most) {
    uint64_t total = BytesOf(type);
    for (const hsize_t n : dims) {
      if (n != 0 && total > most / n) {
        FailReading(place, fmt::format("claims shape {}: more than the {} bytes allowed",
                                       ShapeText(info.dims), most));
      }
      total *= n;
    }
    return total;
  };
  std::vector<hsize_t> dims = info.dims;
  if (rows) {
    if (rows->first > dims[0] || rows->count > dims[0] - rows->first) {
      FailReading(place, fmt::format("has {} rows, must have {}", dims[0],
                                     uint64_t{rows->first} + rows->count));
    }
    // a claim costs time where it does not cost memory: a large one must be on the disk
    bytes_of(dims, std::max<uint64_t>(kMaxArrayBytes, H5Dget_storage_size(dataset.get())));
    dims[0] = rows->count;
  }
  const uint64_t total = bytes_of(dims, kMaxArrayBytes);
  Column column("", type, std::vector<size_t>(info.dims.begin() + 1, info.dims.end()));
  column.rows = dims[0];
  column.bytes.resize(total);
  hid_t memory_type = NativeType(type);
  // booleans of h5py: read as their base type
  Id base;
  if (info.type_class == H5T_ENUM) {
    const Id stored(H5Dget_type(dataset.get()));
    base = Id(H5Tcopy(stored.get()));
    if (info.type_size != BytesOf(type)) FailReading(place, "must hold one byte per value");
    memory_type = base.get();
  }
  if (total == 0) return column;
  Id memory, file;
  if (rows) {
    std::vector<hsize_t> offset(dims.size(), 0);
    offset[0] = rows->first;
    memory = Id(H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr));
    file = Id(H5Dget_space(dataset.get()));
    H5Sselect_hyperslab(file.get(), H5S_SELECT_SET, offset.data(), nullptr, dims.data(), nullptr);
  }
  const hid_t memory_space = rows ? memory.get() : H5S_ALL,
              file_space = rows ? file.get() : H5S_ALL;
  if (H5Dread(dataset.get(), memory_type, memory_space, file_space, H5P_DEFAULT,
              column.bytes.data()) < 0) {
    FailReading(place, fmt::format("cannot be read ({})", WhyNotRead(dataset.get())));
  }
  return column;
}

}  // namespace understudy::h5
