#include "serve/wire_value.h"

#include <fmt/format.h>

#include <Eigen/Core>
#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <msgpack.hpp>

#include "core/base/error.h"
#include "core/base/npy.h"

namespace understudy {
namespace {

static_assert(std::endian::native == std::endian::little, "arrays are copied as they are");

constexpr int kDeepest = 32, kMostValues = 100000;
constexpr std::string_view kNpyMagic{"\x93NUMPY", 6};

// Bytes of an element; 0: not a number that is read.
size_t SizeOf(std::string_view dtype) {
  static constexpr std::string_view kKnown[] = {"?",  "b1", "i1", "u1", "i2", "u2", "f2",
                                                "i4", "u4", "f4", "i8", "u8", "f8"};
  if (dtype.empty()) return 0;
  const bool marked = dtype[0] == '<' || dtype[0] == '|' || dtype[0] == '=' || dtype[0] == '>';
  const std::string_view kind = marked ? dtype.substr(1) : dtype;
  if (std::find(std::begin(kKnown), std::end(kKnown), kind) == std::end(kKnown)) return 0;
  if (kind == "?") return 1;
  const size_t size = static_cast<size_t>(kind[1] - '0');
  return dtype[0] == '>' && size > 1 ? 0 : size;
}

// The bytes of an array must be those of its type and shape, or a reader runs past their end.
WireArray Checked(std::string dtype, std::vector<int64_t> shape, std::string data) {
  const size_t size = SizeOf(dtype);
  if (size == 0) {
    ThrowBadInput(fmt::format(
        "an array of type '{}': only little-endian numbers are read, no objects", dtype));
  }
  int64_t elements = 1;
  for (const int64_t side : shape) {
    if (side < 0 || __builtin_mul_overflow(elements, side, &elements)) {
      ThrowBadInput(fmt::format("an array of shape [{}]", fmt::join(shape, ", ")));
    }
  }
  if (data.size() / size != static_cast<size_t>(elements) || data.size() % size != 0) {
    ThrowBadInput(fmt::format("an array of shape [{}] and type '{}' with {} bytes",
                              fmt::join(shape, ", "), dtype, data.size()));
  }
  return {std::move(dtype), std::move(shape), std::move(data)};
}

template <class T>
void Append(const WireArray& array, std::vector<double>* numbers) {
  for (size_t at = 0; at < array.data.size(); at += sizeof(T)) {
    T value;
    std::memcpy(&value, array.data.data() + at, sizeof(T));
    numbers->push_back(static_cast<double>(value));
  }
}

std::string TextOf(const msgpack::object& object) {
  if (object.type == msgpack::type::STR) return {object.via.str.ptr, object.via.str.size};
  if (object.type == msgpack::type::BIN) return {object.via.bin.ptr, object.via.bin.size};
  ThrowBadInput("a key that is no text");
}

const msgpack::object* FindKey(const msgpack::object_map& map, std::string_view key) {
  for (uint32_t i = 0; i < map.size; ++i) {
    const msgpack::object& name = map.ptr[i].key;
    const bool text = name.type == msgpack::type::STR || name.type == msgpack::type::BIN;
    if (text && TextOf(name) == key) return &map.ptr[i].val;
  }
  return nullptr;
}

std::vector<int64_t> ShapeOf(const msgpack::object& object) {
  if (object.type != msgpack::type::ARRAY) ThrowBadInput("an array whose shape is no list");
  std::vector<int64_t> shape;
  for (uint32_t i = 0; i < object.via.array.size; ++i) {
    const msgpack::object& side = object.via.array.ptr[i];
    if (side.type != msgpack::type::POSITIVE_INTEGER || side.via.u64 > (uint64_t{1} << 40)) {
      ThrowBadInput("an array whose shape is no list of sizes");
    }
    shape.push_back(static_cast<int64_t>(side.via.u64));
  }
  return shape;
}

// {nd, type, kind, shape, data} of msgpack-numpy; a scalar of numpy has nd false and no shape.
WireValue ReadNumpy(const msgpack::object_map& map, const msgpack::object& nd) {
  const msgpack::object* type = FindKey(map, "type");
  const msgpack::object* data = FindKey(map, "data");
  if (!type || !data || data->type != msgpack::type::BIN) {
    ThrowBadInput("an array without type or data");
  }
  if (type->type != msgpack::type::STR && type->type != msgpack::type::BIN) {
    ThrowBadInput("an array of named fields: only arrays of numbers are read");
  }
  std::string bytes(data->via.bin.ptr, data->via.bin.size);
  if (nd.type == msgpack::type::BOOLEAN && !nd.via.boolean) {
    return Checked(TextOf(*type), {}, std::move(bytes)).Numbers().at(0);
  }
  const msgpack::object* shape = FindKey(map, "shape");
  if (!shape) ThrowBadInput("an array without a shape");
  return Checked(TextOf(*type), ShapeOf(*shape), std::move(bytes));
}

// {__ndarray__, data, dtype, shape} of openpi.
WireArray ReadOpenpi(const msgpack::object_map& map) {
  const msgpack::object* type = FindKey(map, "dtype");
  const msgpack::object* data = FindKey(map, "data");
  const msgpack::object* shape = FindKey(map, "shape");
  if (!type || !data || !shape || data->type != msgpack::type::BIN) {
    ThrowBadInput("an array without dtype, shape or data");
  }
  if (type->type != msgpack::type::STR && type->type != msgpack::type::BIN) {
    ThrowBadInput("an array whose dtype is no text");
  }
  return Checked(TextOf(*type), ShapeOf(*shape),
                 std::string(data->via.bin.ptr, data->via.bin.size));
}

// The header of a .npy file: "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }".
WireArray ReadNpy(std::string_view file) {
  const auto bad = [](const char* what) { ThrowBadInput(fmt::format("a .npy array {}", what)); };
  if (!file.starts_with(kNpyMagic) || file.size() < 12) bad("that is none");
  const bool first = file[6] == 1;
  size_t length = static_cast<uint8_t>(file[8]) | static_cast<uint8_t>(file[9]) << 8;
  if (!first) {
    length |= static_cast<size_t>(static_cast<uint8_t>(file[10])) << 16 |
              static_cast<size_t>(static_cast<uint8_t>(file[11])) << 24;
  }
  const size_t begin = first ? 10 : 12;
  if (file.size() - begin < length) bad("whose header is cut off");
  const std::string_view header = file.substr(begin, length);
  const auto after = [&](std::string_view key) {
    const size_t at = header.find(key);
    if (at == std::string_view::npos) bad("without descr, fortran_order or shape");
    return header.substr(at + key.size());
  };
  const std::string_view descr = after("'descr': '");
  const size_t quote = descr.find('\'');
  if (quote == std::string_view::npos) bad("of named fields");
  if (!after("'fortran_order': ").starts_with("False")) bad("in Fortran's order");
  const std::string_view sides = after("'shape': (");
  std::vector<int64_t> shape;
  const char* at = sides.data();
  const char* end = at + std::min(sides.size(), sides.find(')'));
  while (at < end) {
    int64_t side = 0;
    const auto [rest, error] = std::from_chars(at, end, side);
    if (error != std::errc()) bad("whose shape is no list of sizes");
    shape.push_back(side);
    at = rest;
    while (at < end && (*at == ',' || *at == ' ')) ++at;
  }
  return Checked(std::string(descr.substr(0, quote)), std::move(shape),
                 std::string(file.substr(begin + length)));
}

// Looks through a message before memory is taken for it: a few bytes may claim millions of values.
struct Bounds : msgpack::null_visitor {
  bool Count() { return ++values <= kMostValues; }
  bool visit_nil() { return Count(); }
  bool visit_boolean(bool) { return Count(); }
  bool visit_positive_integer(uint64_t) { return Count(); }
  bool visit_negative_integer(int64_t) { return Count(); }
  bool visit_float32(float) { return Count(); }
  bool visit_float64(double) { return Count(); }
  bool visit_str(const char*, uint32_t) { return Count(); }
  bool visit_bin(const char*, uint32_t) { return Count(); }
  bool visit_ext(const char*, uint32_t) { return Count(); }
  bool start_array(uint32_t size) { return Count() && size <= kMostValues && ++depth <= kDeepest; }
  bool start_map(uint32_t size) { return Count() && size <= kMostValues && ++depth <= kDeepest; }
  bool end_array() { return --depth >= 0; }
  bool end_map() { return --depth >= 0; }
  void parse_error(size_t, size_t) { whole = false; }
  void insufficient_bytes(size_t, size_t) { whole = false; }
  int values = 0, depth = 0;
  bool whole = true;
};

void CheckBounds(std::string_view bytes) {
  Bounds bounds;
  size_t end = 0;
  const bool read = msgpack::parse(bytes.data(), bytes.size(), end, bounds);
  if (bounds.values > kMostValues) {
    ThrowBadInput(fmt::format("a message of more than {} values", kMostValues));
  }
  if (bounds.depth > kDeepest) {
    ThrowBadInput(fmt::format("a message that nests more than {} levels", kDeepest));
  }
  if (!bounds.whole || !read) ThrowBadInput("no msgpack message, or one that is cut off");
  if (end != bytes.size()) ThrowBadInput("bytes behind the end of the message");
}

WireValue Convert(const msgpack::object& object, WireMessage* message) {
  switch (object.type) {
    case msgpack::type::NIL:
      return {};
    case msgpack::type::BOOLEAN:
      return object.via.boolean;
    case msgpack::type::POSITIVE_INTEGER:
      if (object.via.u64 > static_cast<uint64_t>(INT64_MAX)) ThrowBadInput("a number above 2^63");
      return static_cast<int64_t>(object.via.u64);
    case msgpack::type::NEGATIVE_INTEGER:
      return object.via.i64;
    case msgpack::type::FLOAT32:
    case msgpack::type::FLOAT64:
      return object.via.f64;
    case msgpack::type::STR:
    case msgpack::type::BIN:
      return TextOf(object);
    case msgpack::type::ARRAY: {
      WireList list;
      for (uint32_t i = 0; i < object.via.array.size; ++i) {
        list.push_back(Convert(object.via.array.ptr[i], message));
      }
      return list;
    }
    case msgpack::type::MAP: {
      const msgpack::object_map& map = object.via.map;
      if (const msgpack::object* nd = FindKey(map, "nd")) return ReadNumpy(map, *nd);
      if (FindKey(map, "__ndarray_class__")) {
        const msgpack::object* file = FindKey(map, "as_npy");
        if (!file || file->type != msgpack::type::BIN) ThrowBadInput("an array without as_npy");
        message->arrays = ArrayForm::kNpy;
        return ReadNpy({file->via.bin.ptr, file->via.bin.size});
      }
      if (FindKey(map, "__ndarray__")) {
        message->arrays = ArrayForm::kOpenpi;
        return ReadOpenpi(map);
      }
      // a scalar of numpy is a plain value beside its type
      if (FindKey(map, "__npgeneric__")) {
        message->arrays = ArrayForm::kOpenpi;
        const msgpack::object* data = FindKey(map, "data");
        if (!data || data->type == msgpack::type::MAP || data->type == msgpack::type::ARRAY) {
          ThrowBadInput("a scalar of numpy without data");
        }
        return Convert(*data, message);
      }
      WireMap converted;
      for (uint32_t i = 0; i < map.size; ++i) {
        std::string key = TextOf(map.ptr[i].key);
        WireValue value = Convert(map.ptr[i].val, message);
        converted.emplace_back(std::move(key), std::move(value));
      }
      return converted;
    }
    default:
      ThrowBadInput("an extension type of msgpack");
  }
}

using Packer = msgpack::packer<msgpack::sbuffer>;

void PackText(std::string_view text, Packer& packer) {
  packer.pack_str(static_cast<uint32_t>(text.size()));
  packer.pack_str_body(text.data(), static_cast<uint32_t>(text.size()));
}

void PackBytes(std::string_view bytes, Packer& packer) {
  packer.pack_bin(static_cast<uint32_t>(bytes.size()));
  packer.pack_bin_body(bytes.data(), static_cast<uint32_t>(bytes.size()));
}

void PackShape(const WireArray& array, Packer& packer) {
  packer.pack_array(static_cast<uint32_t>(array.shape.size()));
  for (const int64_t side : array.shape) packer.pack_int64(side);
}

void PackArray(const WireArray& array, ArrayForm form, Packer& packer) {
  if (form == ArrayForm::kNpy) {
    packer.pack_map(2);
    PackText("__ndarray_class__", packer);
    packer.pack_true();
    PackText("as_npy", packer);
    PackBytes(NpyHeader(array.dtype, array.shape) + array.data, packer);
    return;
  }
  // keys of bytes, as the decoders of openpi and msgpack-numpy expect them
  if (form == ArrayForm::kOpenpi) {
    packer.pack_map(4);
    PackBytes("__ndarray__", packer);
    packer.pack_true();
    PackBytes("data", packer);
    PackBytes(array.data, packer);
    PackBytes("dtype", packer);
    PackText(array.dtype, packer);
    PackBytes("shape", packer);
    PackShape(array, packer);
    return;
  }
  packer.pack_map(5);
  PackBytes("nd", packer);
  packer.pack_true();
  PackBytes("type", packer);
  PackText(array.dtype, packer);
  PackBytes("kind", packer);
  PackBytes("", packer);
  PackBytes("shape", packer);
  PackShape(array, packer);
  PackBytes("data", packer);
  PackBytes(array.data, packer);
}

void PackValue(const WireValue& value, ArrayForm form, Packer& packer) {
  if (const auto* flag = value.As<bool>()) {
    *flag ? packer.pack_true() : packer.pack_false();
  } else if (const auto* number = value.As<int64_t>()) {
    packer.pack_int64(*number);
  } else if (const auto* real = value.As<double>()) {
    packer.pack_double(*real);
  } else if (const auto* text = value.As<std::string>()) {
    PackText(*text, packer);
  } else if (const auto* array = value.As<WireArray>()) {
    PackArray(*array, form, packer);
  } else if (const auto* list = value.As<WireList>()) {
    packer.pack_array(static_cast<uint32_t>(list->size()));
    for (const WireValue& item : *list) PackValue(item, form, packer);
  } else if (const auto* map = value.As<WireMap>()) {
    packer.pack_map(static_cast<uint32_t>(map->size()));
    for (const auto& [key, item] : *map) {
      PackText(key, packer);
      PackValue(item, form, packer);
    }
  } else {
    packer.pack_nil();
  }
}

}  // namespace

int64_t WireArray::elements() const {
  int64_t count = 1;
  for (const int64_t side : shape) count *= side;
  return count;
}

std::vector<double> WireArray::Numbers() const {
  std::vector<double> numbers;
  numbers.reserve(static_cast<size_t>(elements()));
  const std::string_view kind =
      dtype.size() > 1 ? std::string_view(dtype).substr(dtype.size() - 2) : std::string_view(dtype);
  if (kind == "f4")
    Append<float>(*this, &numbers);
  else if (kind == "f8")
    Append<double>(*this, &numbers);
  else if (kind == "u1" || kind == "b1" || kind.ends_with('?'))
    Append<uint8_t>(*this, &numbers);
  else if (kind == "i1")
    Append<int8_t>(*this, &numbers);
  else if (kind == "i2")
    Append<int16_t>(*this, &numbers);
  else if (kind == "u2")
    Append<uint16_t>(*this, &numbers);
  else if (kind == "i4")
    Append<int32_t>(*this, &numbers);
  else if (kind == "u4")
    Append<uint32_t>(*this, &numbers);
  else if (kind == "i8")
    Append<int64_t>(*this, &numbers);
  else if (kind == "u8")
    Append<uint64_t>(*this, &numbers);
  else if (kind == "f2")
    Append<Eigen::half>(*this, &numbers);
  else
    ThrowBadInput(fmt::format("an array of type '{}' has no numbers", dtype));
  return numbers;
}

WireArray WireArray::Float32(std::vector<int64_t> shape, const std::vector<double>& values) {
  const std::vector<float> narrow(values.begin(), values.end());
  return {"<f4", std::move(shape),
          std::string(reinterpret_cast<const char*>(narrow.data()), narrow.size() * sizeof(float))};
}

WireArray WireArray::Float64(std::vector<int64_t> shape, const std::vector<double>& values) {
  return {
      "<f8", std::move(shape),
      std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(double))};
}

WireArray WireArray::Bytes(std::vector<int64_t> shape, std::string data) {
  return {"|u1", std::move(shape), std::move(data)};
}

const WireValue* WireValue::Find(std::string_view key) const {
  const WireMap* map = As<WireMap>();
  if (!map) return nullptr;
  for (const auto& [name, value] : *map) {
    if (name == key) return &value;
  }
  return nullptr;
}

const char* WireValue::TypeName() const {
  static constexpr const char* kNames[] = {"nothing", "a yes or no", "a number", "a number",
                                           "a text",  "an array",    "a list",   "a map"};
  return kNames[content_.index()];
}

WireMessage Unpack(std::string_view bytes) {
  CheckBounds(bytes);
  try {
    const msgpack::object_handle handle = msgpack::unpack(bytes.data(), bytes.size());
    WireMessage message;
    message.value = Convert(handle.get(), &message);
    return message;
  } catch (const msgpack::unpack_error& error) {
    ThrowBadInput(fmt::format("no msgpack message: {}", error.what()));
  }
}

std::string Pack(const WireValue& value, ArrayForm arrays) {
  msgpack::sbuffer buffer;
  Packer packer(buffer);
  PackValue(value, arrays, packer);
  return {buffer.data(), buffer.size()};
}

}  // namespace understudy
