#pragma once

// Values as policy servers of this field send them: msgpack with numpy arrays.

#include <array>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/options.h"

namespace understudy {

// Of what get_modality_config of a policy server says under "understudy".
inline constexpr int kOurVersion = 2;

// A numpy array in C order. `dtype` as numpy writes it, little-endian: "<f4", "|u1".
struct WireArray {
  std::string dtype;
  std::vector<int64_t> shape;
  std::string data;

  int64_t elements() const;
  // The elements as numbers. Throws Error(kBadInput) for a type that has none (text, objects).
  std::vector<double> Numbers() const;
  static WireArray Float32(std::vector<int64_t> shape, const std::vector<double>& values);
  static WireArray Float64(std::vector<int64_t> shape, const std::vector<double>& values);
  static WireArray Bytes(std::vector<int64_t> shape, std::string data);  // "|u1"
  bool operator==(const WireArray&) const = default;
};

class WireValue;
using WireList = std::vector<WireValue>;
// Keys in the order in which they were sent; of a key that comes twice the first counts.
using WireMap = std::vector<std::pair<std::string, WireValue>>;

class WireValue {
 public:
  using Content = std::variant<std::monostate, bool, int64_t, double, std::string, WireArray,
                               WireList, WireMap>;
  WireValue() = default;
  template <class T>
  requires(!std::same_as<std::remove_cvref_t<T>, WireValue> && std::constructible_from<Content, T>)
      WireValue(T&& value)
      : content_(std::forward<T>(value)) {}  // NOLINT: a value is what it holds

  bool is_null() const { return std::holds_alternative<std::monostate>(content_); }
  template <class T>
  const T* As() const {
    return std::get_if<T>(&content_);
  }
  // The value of a map's key; null for what is no map or has no such key.
  const WireValue* Find(std::string_view key) const;
  const char* TypeName() const;  // "a map", for messages
  bool operator==(const WireValue&) const = default;

 private:
  Content content_;
};

// How arrays are written: as PyPI's msgpack-numpy does (GR00T since 2026), as the bytes of a .npy
// file in a map (GR00T before), or as openpi does.
enum class ArrayForm { kMsgpackNumpy, kNpy, kOpenpi };
template <>
struct EnumNames<ArrayForm> {
  static constexpr std::array kNames{"msgpack_numpy", "npy", "openpi"};
};

struct WireMessage {
  WireValue value;
  ArrayForm arrays =
      ArrayForm::kMsgpackNumpy;  // of the arrays in it; the default where it has none
};

// Reads all forms of arrays. Throws Error(kBadInput) that says what is wrong with a message that
// is no msgpack, nests more than 32 levels, holds more than 100000 values (an array is one), has
// arrays whose size is not that of their shape and type, or holds pickled objects.
WireMessage Unpack(std::string_view bytes);
std::string Pack(const WireValue& value, ArrayForm arrays = ArrayForm::kMsgpackNumpy);

}  // namespace understudy
