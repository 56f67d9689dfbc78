#include "data/store/hdf5/texts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "core/base/error.h"
#include "data/store/hdf5/arrays.h"
#include "data/store/hdf5/attributes.h"
#include "data/store/hdf5/errors.h"
#include "data/store/hdf5/filters.h"
#include "data/store/hdf5/links.h"
#include "data/store/hdf5/lock.h"

namespace understudy::h5 {
namespace {

constexpr size_t kBlock = 4096;  // texts in memory at once

// Rows [first, first + count) of a 1-D dataset, in the file and in memory.
struct Selection {
  Selection(const Id& dataset, hsize_t first, hsize_t count)
      : file(H5Dget_space(dataset.get())), memory(H5Screate_simple(1, &count, nullptr)) {
    H5Sselect_hyperslab(file.get(), H5S_SELECT_SET, &first, nullptr, &count, nullptr);
  }
  Id file, memory;
};

}  // namespace

void CreateTexts(hid_t parent, const std::string& name, const std::string& place, size_t count,
                 size_t width, const std::function<std::string(size_t)>& text) {
  const Guard guard;
  const hsize_t size = count;
  const Id space(H5Screate_simple(1, &size, nullptr));
  const Id type(H5Tcopy(H5T_C_S1));
  H5Tset_size(type.get(), width);
  H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
  const Id dataset(H5Dcreate2(parent, name.c_str(), type.get(), space.get(), LinkCreation(),
                              H5P_DEFAULT, H5P_DEFAULT));
  if (!dataset.valid()) FailWriting(place, "cannot create the dataset");
  std::vector<char> bytes;
  for (size_t first = 0; first < count; first += kBlock) {
    const size_t rows = std::min(kBlock, count - first);
    bytes.assign(width * rows, 0);
    for (size_t i = 0; i < rows; ++i) {
      const std::string one = text(first + i);
      Require(one.size() <= width, "a text fits the width of its list");
      std::copy(one.begin(), one.end(), bytes.begin() + static_cast<long>(i * width));
    }
    const Selection part(dataset, first, rows);
    if (H5Dwrite(dataset.get(), type.get(), part.memory.get(), part.file.get(), H5P_DEFAULT,
                 bytes.data()) < 0) {
      FailWriting(place, "cannot write");
    }
  }
}

void VisitTextsOf(const Id& dataset, const std::string& place,
                  const std::function<void(const std::string&)>& each) {
  const Guard guard;
  const DatasetInfo info = InfoOf(dataset, place);
  if (info.type_class != H5T_STRING || info.dims.size() != 1) {
    FailReading(place, "must be a list of strings");
  }
  const Id stored(H5Dget_type(dataset.get()));
  const size_t count = info.dims[0];
  const bool variable = H5Tis_variable_str(stored.get()) > 0;
  if (variable && count > kMaxTextBytes / 64) FailReading(place, "claims too many strings");
  if (!variable && (info.type_size == 0 || count > kMaxTextBytes / info.type_size)) {
    FailReading(place, "claims too many bytes of text");
  }
  const size_t block = variable ? kBlock : std::max<size_t>(1, (1 << 20) / info.type_size);
  std::vector<char*> pointers;
  std::vector<char> bytes;
  for (size_t first = 0; first < count; first += block) {
    const size_t rows = std::min(block, count - first);
    const Selection part(dataset, first, rows);
    void* out = nullptr;
    if (variable) {
      pointers.assign(rows, nullptr);
      out = pointers.data();
    } else {
      bytes.resize(rows * info.type_size);
      out = bytes.data();
    }
    if (H5Dread(dataset.get(), stored.get(), part.memory.get(), part.file.get(), H5P_DEFAULT, out) <
        0) {
      FailReading(place, fmt::format("cannot be read ({})", WhyNotRead(dataset.get())));
    }
    std::vector<std::string> texts;
    for (size_t i = 0; i < rows; ++i) {
      if (variable) {
        texts.emplace_back(pointers[i] ? pointers[i] : "");
        H5free_memory(pointers[i]);
      } else {
        const char* p = bytes.data() + i * info.type_size;
        texts.emplace_back(p, strnlen(p, info.type_size));
      }
    }
    for (const std::string& text : texts) each(text);
  }
}

std::string ReadRowOfBytes(const Id& dataset, const std::string& place, size_t row) {
  const Guard guard;
  const DatasetInfo info = InfoOf(dataset, place);
  if (!info.dims.empty() && row >= info.dims[0]) {
    FailReading(place, fmt::format("has {} rows, asked for row {}", info.dims[0], row));
  }
  const Id file(H5Dget_space(dataset.get()));
  size_t bytes = info.type_size;
  std::vector<hsize_t> start(info.dims.size(), 0), count = info.dims;
  if (!info.dims.empty()) {
    start[0] = row;
    count[0] = 1;
    H5Sselect_hyperslab(file.get(), H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr);
  }
  for (const hsize_t n : count) {
    if (n != 0 && bytes > kMaxTextBytes / n) FailReading(place, "claims too many bytes in a row");
    bytes *= n;
  }
  const Id memory(info.dims.empty()
                      ? H5Screate(H5S_SCALAR)
                      : H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr));
  const auto read = [&](hid_t type, void* out) {
    if (H5Dread(dataset.get(), type, memory.get(), file.get(), H5P_DEFAULT, out) >= 0) return;
    FailReading(fmt::format("{}[{}]", place, row),
                fmt::format("cannot be read ({})", WhyNotRead(dataset.get())));
  };
  const Id stored(H5Dget_type(dataset.get()));
  if (info.type_class == H5T_STRING && H5Tis_variable_str(stored.get()) > 0) {
    char* text = nullptr;
    read(stored.get(), &text);
    const std::unique_ptr<char, decltype(&H5free_memory)> owned(text, &H5free_memory);
    return text == nullptr ? "" : text;
  }
  if (info.type_class == H5T_VLEN) {
    const Id list_of_bytes(H5Tvlen_create(H5T_NATIVE_UINT8));
    hvl_t list = {};
    read(list_of_bytes.get(), &list);
    const std::unique_ptr<void, decltype(&H5free_memory)> owned(list.p, &H5free_memory);
    return std::string(static_cast<const char*>(list.p), list.len);
  }
  std::string row_of_bytes(bytes, '\0');
  read(info.type_class == H5T_STRING ? stored.get() : H5T_NATIVE_UINT8, row_of_bytes.data());
  return row_of_bytes;
}

}  // namespace understudy::h5
