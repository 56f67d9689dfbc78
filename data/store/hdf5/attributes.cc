#include "data/store/hdf5/attributes.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "core/base/utf8.h"
#include "data/store/hdf5/errors.h"
#include "data/store/hdf5/id.h"
#include "data/store/hdf5/lock.h"

namespace understudy::h5 {
namespace {

hid_t TextType() {
  static const hid_t type = [] {
    const hid_t id = H5Tcopy(H5T_C_S1);
    H5Tset_size(id, H5T_VARIABLE);
    H5Tset_cset(id, H5T_CSET_UTF8);
    return id;
  }();
  return type;
}

void WriteValue(hid_t owner, const std::string& place, const std::string& name, hid_t type,
                const void* value) {
  const Guard guard;
  static const hid_t space = H5Screate(H5S_SCALAR);
  const auto create = [&] {
    return Id(H5Acreate2(owner, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT));
  };
  Id attribute = create();
  // most are new
  if (!attribute.valid()) {
    H5Adelete(owner, name.c_str());
    attribute = create();
  }
  if (!attribute.valid() || H5Awrite(attribute.get(), type, value) < 0) {
    FailWriting(place, fmt::format("cannot write attribute '{}'", name));
  }
}

Id OpenAttribute(hid_t owner, const std::string& place, const std::string& name) {
  Id attribute(H5Aopen(owner, name.c_str(), H5P_DEFAULT));
  if (!attribute.valid()) {
    FailReading(place, fmt::format("attribute '{}' is {}", name,
                                   AttributeExists(owner, name) ? "damaged" : "missing"));
  }
  const Id space(H5Aget_space(attribute.get()));
  if (H5Sget_simple_extent_npoints(space.get()) != 1) {
    FailReading(place, fmt::format("attribute '{}' must be a single value", name));
  }
  return attribute;
}

template <class T>
T ReadNumber(hid_t owner, const std::string& place, const std::string& name, hid_t type) {
  const Guard guard;
  const Id attribute = OpenAttribute(owner, place, name);
  const Id stored(H5Aget_type(attribute.get()));
  const H5T_class_t kind = H5Tget_class(stored.get());
  if (kind != H5T_INTEGER && kind != H5T_FLOAT) {
    FailReading(place, fmt::format("attribute '{}' must be a number", name));
  }
  T value{};
  if (H5Aread(attribute.get(), type, &value) < 0) {
    FailReading(place, fmt::format("attribute '{}' cannot be read", name));
  }
  return value;
}

herr_t AddAttributeName(hid_t, const char* name, const H5A_info_t*, void* names) {
  static_cast<std::vector<std::string>*>(names)->push_back(name);
  return 0;
}

}  // namespace

hid_t BoolType() {
  static const hid_t type = [] {
    const hid_t id = H5Tenum_create(H5T_NATIVE_INT8);
    const int8_t no = 0, yes = 1;
    H5Tenum_insert(id, "FALSE", &no);
    H5Tenum_insert(id, "TRUE", &yes);
    return id;
  }();
  return type;
}

bool AttributeExists(hid_t owner, const std::string& name) {
  const Guard guard;
  return H5Aexists(owner, name.c_str()) > 0;
}

void WriteTextAttribute(hid_t owner, const std::string& place, const std::string& name,
                        const std::string& text) {
  const Guard guard;
  const char* value = text.c_str();
  WriteValue(owner, place, name, TextType(), &value);
}

void WriteTextInHeader(hid_t owner, const std::string& place, const std::string& name,
                       const std::string& text) {
  constexpr size_t kMost = 32768;  // a header holds twice as much
  if (text.empty() || text.size() > kMost) return WriteTextAttribute(owner, place, name, text);
  const Guard guard;
  const Id type(H5Tcopy(H5T_C_S1));
  H5Tset_size(type.get(), text.size());
  H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  WriteValue(owner, place, name, type.get(), text.data());
}

void WriteIntAttribute(hid_t owner, const std::string& place, const std::string& name,
                       int64_t value) {
  WriteValue(owner, place, name, H5T_NATIVE_INT64, &value);
}

void WriteUintAttribute(hid_t owner, const std::string& place, const std::string& name,
                        uint64_t value) {
  WriteValue(owner, place, name, H5T_NATIVE_UINT64, &value);
}

void WriteDoubleAttribute(hid_t owner, const std::string& place, const std::string& name,
                          double value) {
  WriteValue(owner, place, name, H5T_NATIVE_DOUBLE, &value);
}

void WriteDoublesAttribute(hid_t owner, const std::string& place, const std::string& name,
                           const std::vector<double>& values) {
  const Guard guard;
  if (AttributeExists(owner, name)) H5Adelete(owner, name.c_str());
  const hsize_t count = values.size();
  const Id space(H5Screate_simple(1, &count, nullptr));
  const Id attribute(
      H5Acreate2(owner, name.c_str(), H5T_NATIVE_DOUBLE, space.get(), H5P_DEFAULT, H5P_DEFAULT));
  if (!attribute.valid() || H5Awrite(attribute.get(), H5T_NATIVE_DOUBLE, values.data()) < 0) {
    FailWriting(place, fmt::format("cannot write attribute '{}'", name));
  }
}

void WriteBoolAttribute(hid_t owner, const std::string& place, const std::string& name,
                        bool value) {
  const Guard guard;
  const int8_t stored = value;
  WriteValue(owner, place, name, BoolType(), &stored);
}

std::string ReadTextAttribute(hid_t owner, const std::string& place, const std::string& name) {
  const Guard guard;
  const Id attribute = OpenAttribute(owner, place, name);
  const Id type(H5Aget_type(attribute.get()));
  if (H5Tget_class(type.get()) != H5T_STRING) {
    FailReading(place, fmt::format("attribute '{}' must be text", name));
  }
  const auto fail = [&] {
    FailReading(place, fmt::format("attribute '{}' cannot be read ({})", name, ErrorText()));
  };
  if (H5Tis_variable_str(type.get()) > 0) {
    char* text = nullptr;
    if (H5Aread(attribute.get(), type.get(), &text) < 0) fail();
    std::string result = text ? text : "";
    H5free_memory(text);
    return AsUtf8(std::move(result));
  }
  const size_t size = H5Tget_size(type.get());
  if (size > kMaxTextBytes) FailReading(place, fmt::format("attribute '{}' is too long", name));
  std::string text(size, '\0');
  if (H5Aread(attribute.get(), type.get(), text.data()) < 0) fail();
  return AsUtf8(text.substr(0, text.find('\0')));
}

int64_t ReadIntAttribute(hid_t owner, const std::string& place, const std::string& name) {
  return ReadNumber<int64_t>(owner, place, name, H5T_NATIVE_INT64);
}

uint64_t ReadUintAttribute(hid_t owner, const std::string& place, const std::string& name) {
  return ReadNumber<uint64_t>(owner, place, name, H5T_NATIVE_UINT64);
}

double ReadDoubleAttribute(hid_t owner, const std::string& place, const std::string& name) {
  return ReadNumber<double>(owner, place, name, H5T_NATIVE_DOUBLE);
}

bool ReadBoolAttribute(hid_t owner, const std::string& place, const std::string& name) {
  const Guard guard;
  const Id attribute = OpenAttribute(owner, place, name);
  const Id type(H5Aget_type(attribute.get()));
  const H5T_class_t kind = H5Tget_class(type.get());
  const size_t size = H5Tget_size(type.get());
  if ((kind != H5T_ENUM && kind != H5T_INTEGER) || size > 8) {
    FailReading(place, fmt::format("attribute '{}' must be true or false", name));
  }
  int64_t value = 0;
  if (H5Aread(attribute.get(), type.get(), &value) < 0) {
    FailReading(place, fmt::format("attribute '{}' cannot be read", name));
  }
  return value != 0;
}

void CopyAttributes(hid_t from, hid_t to, const std::string& place) {
  const Guard guard;
  std::vector<std::string> names;
  hsize_t at = 0;
  if (H5Aiterate2(from, H5_INDEX_NAME, H5_ITER_INC, &at, AddAttributeName, &names) < 0) {
    FailReading(place, fmt::format("its attributes cannot be read ({})", ErrorText()));
  }
  for (const std::string& name : names) {
    const Id attribute(H5Aopen(from, name.c_str(), H5P_DEFAULT));
    const Id type(H5Aget_type(attribute.get())), space(H5Aget_space(attribute.get()));
    const hssize_t count = H5Sget_simple_extent_npoints(space.get());
    const size_t size = H5Tget_size(type.get());
    if (count < 0 || size == 0 || static_cast<uint64_t>(count) > kMaxTextBytes / size) {
      FailReading(place, fmt::format("attribute '{}' cannot be read ({})", name, ErrorText()));
    }
    // texts come as pointers, which HDF5 takes back
    std::vector<char> bytes(static_cast<size_t>(count) * size + 1);
    if (H5Aread(attribute.get(), type.get(), bytes.data()) < 0) {
      FailReading(place, fmt::format("attribute '{}' cannot be read ({})", name, ErrorText()));
    }
    const Id made(H5Acreate2(to, name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT));
    const bool written = made.valid() && H5Awrite(made.get(), type.get(), bytes.data()) >= 0;
    H5Dvlen_reclaim(type.get(), space.get(), H5P_DEFAULT, bytes.data());
    if (!written) FailWriting(place, fmt::format("cannot copy its attribute '{}'", name));
  }
}

}  // namespace understudy::h5
