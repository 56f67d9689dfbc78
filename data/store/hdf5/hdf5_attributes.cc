// Attributes of groups: texts, numbers and booleans.

#include <fmt/format.h>

#include "core/base/error.h"
#include "data/store/hdf5/hdf5.h"

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

// h5py's.
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

// Writes one value of `type`, replacing an attribute of the same name.
void SetValue(const Group& group, const std::string& object, const std::string& name, hid_t type,
              const void* value) {
  static const hid_t space = H5Screate(H5S_SCALAR);
  const Id member(object.empty() ? -1 : H5Oopen(group.id(), object.c_str(), H5P_DEFAULT));
  const hid_t owner = object.empty() ? group.id() : member.get();
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
    FailWriting(group.Place(object), fmt::format("cannot write attribute '{}'", name));
  }
}

Id OpenAttribute(const Group& group, const std::string& name) {
  Id attribute(H5Aopen(group.id(), name.c_str(), H5P_DEFAULT));
  if (!attribute.valid()) {
    FailReading(group.Place(), fmt::format("attribute '{}' is {}", name,
                                           group.HasAttribute(name) ? "damaged" : "missing"));
  }
  const Id space(H5Aget_space(attribute.get()));
  if (H5Sget_simple_extent_npoints(space.get()) != 1) {
    FailReading(group.Place(), fmt::format("attribute '{}' must be a single value", name));
  }
  return attribute;
}

template <class T>
T Number(const Group& group, const std::string& name, hid_t type) {
  const Guard guard;
  const Id attribute = OpenAttribute(group, name);
  const Id stored(H5Aget_type(attribute.get()));
  const H5T_class_t kind = H5Tget_class(stored.get());
  if (kind != H5T_INTEGER && kind != H5T_FLOAT) {
    FailReading(group.Place(), fmt::format("attribute '{}' must be a number", name));
  }
  T value{};
  if (H5Aread(attribute.get(), type, &value) < 0) {
    FailReading(group.Place(), fmt::format("attribute '{}' cannot be read", name));
  }
  return value;
}

}  // namespace

bool Group::HasAttribute(const std::string& name) const {
  const Guard guard;
  return H5Aexists(id(), name.c_str()) > 0;
}

void Group::SetText(const std::string& name, const std::string& text,
                    const std::string& object) const {
  const Guard guard;
  const char* value = text.c_str();
  SetValue(*this, object, name, TextType(), &value);
}

void Group::SetInt(const std::string& name, int64_t value) const {
  const Guard guard;
  SetValue(*this, "", name, H5T_NATIVE_INT64, &value);
}

void Group::SetUint(const std::string& name, uint64_t value) const {
  const Guard guard;
  SetValue(*this, "", name, H5T_NATIVE_UINT64, &value);
}

void Group::SetDouble(const std::string& name, double value) const {
  const Guard guard;
  SetValue(*this, "", name, H5T_NATIVE_DOUBLE, &value);
}

void Group::SetBool(const std::string& name, bool value) const {
  const Guard guard;
  const int8_t stored = value;
  SetValue(*this, "", name, BoolType(), &stored);
}

std::string Group::Text(const std::string& name) const {
  const Guard guard;
  const Id attribute = OpenAttribute(*this, name);
  const Id type(H5Aget_type(attribute.get()));
  if (H5Tget_class(type.get()) != H5T_STRING) {
    FailReading(Place(), fmt::format("attribute '{}' must be text", name));
  }
  const auto fail = [&] {
    FailReading(Place(), fmt::format("attribute '{}' cannot be read ({})", name, ErrorText()));
  };
  if (H5Tis_variable_str(type.get()) > 0) {
    char* text = nullptr;
    if (H5Aread(attribute.get(), type.get(), &text) < 0) fail();
    const std::string result = text ? text : "";
    H5free_memory(text);
    return result;
  }
  const size_t size = H5Tget_size(type.get());
  if (size > kMaxTextBytes) FailReading(Place(), fmt::format("attribute '{}' is too long", name));
  std::string text(size, '\0');
  if (H5Aread(attribute.get(), type.get(), text.data()) < 0) fail();
  return text.substr(0, text.find('\0'));
}

std::string Group::Text(const std::string& name, const std::string& fallback) const {
  return HasAttribute(name) ? Text(name) : fallback;
}

int64_t Group::Int(const std::string& name) const {
  return Number<int64_t>(*this, name, H5T_NATIVE_INT64);
}

uint64_t Group::Uint(const std::string& name) const {
  return Number<uint64_t>(*this, name, H5T_NATIVE_UINT64);
}

double Group::Double(const std::string& name) const {
  return Number<double>(*this, name, H5T_NATIVE_DOUBLE);
}

bool Group::Bool(const std::string& name, bool fallback) const {
  const Guard guard;
  if (!HasAttribute(name)) return fallback;
  const Id attribute = OpenAttribute(*this, name);
  const Id type(H5Aget_type(attribute.get()));
  const H5T_class_t kind = H5Tget_class(type.get());
  const size_t size = H5Tget_size(type.get());
  if ((kind != H5T_ENUM && kind != H5T_INTEGER) || size > 8) {
    FailReading(Place(), fmt::format("attribute '{}' must be true or false", name));
  }
  int64_t value = 0;
  if (H5Aread(attribute.get(), type.get(), &value) < 0) {
    FailReading(Place(), fmt::format("attribute '{}' cannot be read", name));
  }
  return value != 0;
}

}  // namespace understudy::h5
