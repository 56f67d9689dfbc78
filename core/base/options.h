#pragma once

// One listing of a struct's fields serves files, the command line, printing and validation:
//
//   struct LimiterOptions {
//     double max_speed = 0.25;
//     template <class V> void Visit(V& v) {
//       v("max_speed", max_speed, "m/s; faster targets are clamped", Limits{0.01, 5});
//       v("threads", threads, "0: one per core", Limits{0, 1024}, Effect::kSpeed);
//       v("out", out, "dataset to write", kRequired, kOutput);
//     }
//   };
//
// Behind the description stand, in any order and each optional: Limits, the effect of a change
// (Effect::kResults unless stated), kRequired and kOutput. A struct's effect holds for those of its
// fields that state none. Pipeline keys, resume checks and stored settings are made from the
// effects (ResultOptions).
//
// Understood field types: bool, integers, floating point, std::string, enums with EnumNames,
// std::optional, std::vector, std::array, std::map<std::string, T>, Eigen vectors, std::variant of
// visitable structs with a `static constexpr const char* kTag` (in files: {type: tag, …}),
// visitable structs, and types with a JSON form of their own (HasOwnForm). Fields that a struct's
// `static constexpr std::array kUnwritten` names are written only where they differ from its
// defaults: an option added later does not change the text, and the hash, of earlier values.

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/error.h"
#include "core/base/json.h"

namespace understudy {

// Inclusive range that a number (or every number of a list) must lie in.
struct Limits {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
};

// What a change of an option changes.
enum class Effect {
  kResults,  // the content of what is made
  kSpeed,    // how fast, with the same results
  kPlace,    // where results go, and what may be replaced or resumed there
};

// The option must be given: its default is not usable.
struct Required {};
inline constexpr Required kRequired;
// The option names a file or folder that the command writes, and locks while it runs
// (Effect::kPlace).
struct Output {};
inline constexpr Output kOutput;

// What a listing says about a field behind its description.
struct FieldNotes {
  Limits limits;
  Effect effect = Effect::kResults;
  bool required = false, output = false;

  void Add(const Limits& value) { limits = value; }
  void Add(Effect value) { effect = value; }
  void Add(Required) { required = true; }
  void Add(Output) {
    output = true;
    effect = Effect::kPlace;
  }
};
template <class... Notes>
FieldNotes NotesOf(const Notes&... notes) {
  FieldNotes all;
  (all.Add(notes), ...);
  return all;
}

// Specialise for an enum that stands in options: names in the file, in order of declaration.
//   template <> struct EnumNames<Mode> { static constexpr std::array kNames{"fast", "exact"}; };
// Enumerators must count from 0.
template <class E>
struct EnumNames;

namespace options_internal {

struct ProbeVisitor {
  template <class F, class... Notes>
  void operator()(const char*, F&, const char*, const Notes&...) {}
};

template <class T>
concept Visitable = requires(T& value, ProbeVisitor probe) {
  value.Visit(probe);
};
template <class T>
concept NamedEnum = std::is_enum_v<T> && requires {
  EnumNames<T>::kNames;
};
template <class T>
concept HasUnwritten = requires {
  T::kUnwritten;
};
// A type with a JSON form of its own declares two functions beside itself: WriteForm gives the
// form, ReadForm reads it over `value` and appends to `problems`.
template <class T>
concept HasOwnForm = requires(T& value, const Json& json, std::vector<std::string>& problems) {
  { WriteForm(value) } -> std::same_as<Json>;
  ReadForm(json, value, std::string(), problems);
};
template <class T>
concept FixedEigenVector = std::is_base_of_v<Eigen::MatrixBase<T>, T> &&(T::ColsAtCompileTime == 1);

template <class T>
struct Kind {
  static constexpr bool kVector = false, kArray = false, kMap = false, kOptional = false,
                        kVariant = false;
};
template <class T, class A>
struct Kind<std::vector<T, A>> : Kind<void> {
  static constexpr bool kVector = true;
};
template <class T, size_t N>
struct Kind<std::array<T, N>> : Kind<void> {
  static constexpr bool kArray = true;
};
template <class T>
struct Kind<std::map<std::string, T>> : Kind<void> {
  static constexpr bool kMap = true;
};
template <class T>
struct Kind<std::optional<T>> : Kind<void> {
  static constexpr bool kOptional = true;
};
template <class... T>
struct Kind<std::variant<T...>> : Kind<void> {
  static constexpr bool kVariant = true;
};

// JSON has no infinities: they are written as YAML's words.
inline Json NumberToJson(double value) {
  if (std::isnan(value)) return ".nan";
  if (std::isinf(value)) return value > 0 ? ".inf" : "-.inf";
  return value;
}

}  // namespace options_internal

// All violations of one reading, each as `path: what is wrong`.
using Problems = std::vector<std::string>;

namespace options_internal {

// Throws Error(kBadInput) that lists them.
void ThrowIfAny(const std::string& name, const Problems& problems);
void Complain(const std::string& path, const std::string& what, Problems& problems);
// Says what the value must be unless `right`, which it returns.
bool Expect(bool right, const char* what, const Json& json, const std::string& path,
            Problems& problems);
std::string PathOfKey(const std::string& path, const std::string& key);
std::string PathOfItem(const std::string& path, size_t item);
void ComplainOfSize(const char* items, size_t right, size_t given, const std::string& path,
                    Problems& problems);
// A number within the limits, or none and a problem.
std::optional<double> ReadNumber(const Json& json, bool whole, const std::string& path,
                                 Limits limits, Problems& problems);
// A whole number of a type that holds `low` to `high`: its bits, or none and a problem.
std::optional<uint64_t> ReadWhole(const Json& json, int64_t low, uint64_t high,
                                  const std::string& path, Limits limits, Problems& problems);
// The place of a word in `names`, or none and a problem.
std::optional<size_t> ReadChoice(const Json& json, const std::vector<std::string>& names,
                                 const std::string& path, Problems& problems);
void ComplainOfUnknownKeys(const Json& object, const std::vector<std::string>& known,
                           const std::string& path, Problems& problems);

}  // namespace options_internal

template <class T>
Json ToJson(const T& value);
// Reads `json` over `value`: fields that the file does not name keep what they hold. Appends to
// `problems`; an unknown key is one, and names its nearest known key.
template <class T>
void ReadJson(const Json& json, T& value, const std::string& path, Limits limits,
              Problems& problems);

// `json` read over `defaults`. Throws Error(kBadInput) that lists every violation under `name`.
template <class T>
T FromJson(const Json& json, const std::string& name, T defaults = {}) {
  Problems problems;
  ReadJson(json, defaults, "", {}, problems);
  options_internal::ThrowIfAny(name, problems);
  return defaults;
}

// How a word on a command line is read as a value (or as one item of a list).
enum class ValueForm { kSwitch, kNumber, kText, kYaml };

// One line of --help or of documentation.
struct FieldInfo {
  std::string path;  // "limiter.max_speed"
  Json default_value;
  std::string doc;
  Limits limits;
  std::vector<std::string> choices;  // of an enum
  ValueForm form = ValueForm::kYaml;
  bool is_list = false;
  Effect effect = Effect::kResults;
  bool required = false;
  bool output = false;
  std::string unit;  // "m/s", if the description begins with one
};

// Every leaf field of a visitable struct, nested structs flattened by dots.
template <class T>
std::vector<FieldInfo> ListFields(const T& value);

// The options that change results: `options`, the JSON form of a struct with these `fields`,
// without the others. Structs that are left without a field go too.
Json ResultOptions(Json options, const std::vector<FieldInfo>& fields);
template <class T>
Json ResultOptions(const T& value) {
  return ResultOptions(ToJson(value), ListFields(value));
}

// "m/s" of "m/s; faster targets are clamped"; empty if the description begins with no unit.
std::string UnitOf(const std::string& doc);

// Sets `path` ("limiter.max_speed") in the JSON form of a struct to `value`, making mappings on the
// way; FromJson then says where no such path exists. Throws Error(kUsage) where the path leads
// through something that is no mapping.
void SetByPath(Json& json, const std::string& path, const Json& value);

// ------------------------------------------------------------------------------------------------

namespace options_internal {
// Puts every field under its name.
struct WriteVisitor {
  Json& object;
  template <class F, class... Notes>
  void operator()(const char* name, const F& field, const char*, const Notes&...) {
    object[name] = ToJson(field);
  }
};
}  // namespace options_internal

template <class T>
Json ToJson(const T& value) {
  using namespace options_internal;
  if constexpr (std::is_same_v<T, bool> || std::is_integral_v<T> ||
                std::is_same_v<T, std::string> || std::is_same_v<T, Json>) {
    return value;
  } else if constexpr (std::is_floating_point_v<T>) {
    return NumberToJson(value);
  } else if constexpr (NamedEnum<T>) {
    return EnumNames<T>::kNames.at(static_cast<size_t>(value));
  } else if constexpr (Kind<T>::kOptional) {
    return value ? ToJson(*value) : Json(nullptr);
  } else if constexpr (Kind<T>::kVector || Kind<T>::kArray) {
    Json array = Json::array();
    for (const auto& item : value) array.push_back(ToJson(item));
    return array;
  } else if constexpr (Kind<T>::kMap) {
    Json object = Json::object();
    for (const auto& [key, item] : value) object[key] = ToJson(item);
    return object;
  } else if constexpr (HasOwnForm<T>) {
    return WriteForm(value);
  } else if constexpr (FixedEigenVector<T>) {
    Json array = Json::array();
    for (Eigen::Index i = 0; i < value.size(); ++i) array.push_back(NumberToJson(value[i]));
    return array;
  } else if constexpr (Kind<T>::kVariant) {
    return std::visit(
        [](const auto& choice) {
          Json object{{"type", std::decay_t<decltype(choice)>::kTag}};
          const Json fields = ToJson(choice);
          for (const auto& [key, item] : fields.items()) object[key] = item;
          return object;
        },
        value);
  } else {
    static_assert(Visitable<T>, "no JSON form for this type: see the list in options.h");
    const auto write = [](const T& from) {
      Json object = Json::object();
      WriteVisitor writer{object};
      const_cast<T&>(from).Visit(writer);  // the writer takes every field by const reference
      return object;
    };
    Json object = write(value);
    if constexpr (HasUnwritten<T>) {
      const Json unused = write(T{});
      for (const char* key : T::kUnwritten) {
        if (object.at(key) == unused.at(key)) object.erase(key);
      }
    }
    return object;
  }
}

namespace options_internal {

// A visitor that fills fields from an object and remembers which names it met.
struct ReadVisitor {
  const Json& object;
  const std::string& path;
  Problems& problems;
  std::vector<std::string> known = {};

  template <class F, class... Notes>
  void operator()(const char* name, F& field, const char*, const Notes&... notes) {
    known.push_back(name);
    const auto found = object.find(name);
    if (found == object.end()) return;
    ReadJson(*found, field, PathOfKey(path, name), NotesOf(notes...).limits, problems);
  }
};

template <size_t I = 0, class... T>
bool ReadVariant(const std::string& tag, const Json& object, std::variant<T...>& value,
                 const std::string& path, Problems& problems) {
  if constexpr (I == sizeof...(T)) {
    return false;
  } else {
    using Choice = std::variant_alternative_t<I, std::variant<T...>>;
    if (tag != Choice::kTag) return ReadVariant<I + 1>(tag, object, value, path, problems);
    Choice choice = std::holds_alternative<Choice>(value) ? std::get<Choice>(value) : Choice{};
    Json fields = object;
    fields.erase("type");
    ReadJson(fields, choice, path, {}, problems);
    value = std::move(choice);
    return true;
  }
}

}  // namespace options_internal

template <class T>
void ReadJson(const Json& json, T& value, const std::string& path, Limits limits,
              Problems& problems) {
  using namespace options_internal;
  const auto expect = [&](bool right, const char* what) {
    return Expect(right, what, json, path, problems);
  };
  if constexpr (std::is_same_v<T, Json>) {
    value = json;
  } else if constexpr (std::is_same_v<T, bool>) {
    if (expect(json.is_boolean(), "true or false")) value = json.get<bool>();
  } else if constexpr (std::is_arithmetic_v<T>) {
    if constexpr (std::is_integral_v<T>) {
      using Range = std::numeric_limits<T>;
      const auto bits = ReadWhole(json, static_cast<int64_t>(Range::min()),
                                  static_cast<uint64_t>(Range::max()), path, limits, problems);
      if (bits) value = static_cast<T>(*bits);
    } else {
      const auto number = ReadNumber(json, /*whole=*/false, path, limits, problems);
      if (number) value = static_cast<T>(*number);
    }
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (expect(json.is_string(), "text")) value = json.get<std::string>();
  } else if constexpr (NamedEnum<T>) {
    const std::vector<std::string> names(EnumNames<T>::kNames.begin(), EnumNames<T>::kNames.end());
    const auto place = ReadChoice(json, names, path, problems);
    if (place) value = static_cast<T>(*place);
  } else if constexpr (Kind<T>::kOptional) {
    if (json.is_null()) {
      value.reset();
    } else {
      if (!value) {
        value.emplace();
        if constexpr (FixedEigenVector<typename T::value_type>) value->setZero();
      }
      ReadJson(json, *value, path, limits, problems);
    }
  } else if constexpr (Kind<T>::kVector || Kind<T>::kArray) {
    if (!expect(json.is_array(), "a list")) return;
    if constexpr (Kind<T>::kArray) {
      if (json.size() != value.size()) {
        return ComplainOfSize("entries", value.size(), json.size(), path, problems);
      }
    } else {
      value.clear();
      value.resize(json.size());
    }
    for (size_t i = 0; i < json.size(); ++i) {
      if constexpr (std::is_same_v<T, std::vector<bool>>) {
        bool item = false;
        ReadJson(json[i], item, PathOfItem(path, i), limits, problems);
        value[i] = item;
      } else {
        ReadJson(json[i], value[i], PathOfItem(path, i), limits, problems);
      }
    }
  } else if constexpr (Kind<T>::kMap) {
    if (!expect(json.is_object(), "a mapping")) return;
    for (const auto& [key, item] : json.items()) {
      ReadJson(item, value[key], PathOfKey(path, key), limits, problems);
    }
  } else if constexpr (HasOwnForm<T>) {
    ReadForm(json, value, path, problems);
  } else if constexpr (FixedEigenVector<T>) {
    if (!expect(json.is_array(), "a list of numbers")) return;
    if constexpr (T::RowsAtCompileTime == Eigen::Dynamic) {
      value.resize(static_cast<Eigen::Index>(json.size()));
    }
    if (static_cast<Eigen::Index>(json.size()) != value.size()) {
      return ComplainOfSize("numbers", static_cast<size_t>(value.size()), json.size(), path,
                            problems);
    }
    for (size_t i = 0; i < json.size(); ++i) {
      ReadJson(json[i], value[static_cast<Eigen::Index>(i)], PathOfItem(path, i), limits, problems);
    }
  } else if constexpr (Kind<T>::kVariant) {
    if (!expect(json.is_object(), "a mapping with a key 'type'")) return;
    const Json fallback = ToJson(value)["type"];
    const Json tag = json.value("type", fallback);
    if (!tag.is_string() || !ReadVariant(tag.get<std::string>(), json, value, path, problems)) {
      std::vector<std::string> tags;
      [&]<class... C>(const std::variant<C...>*) { (tags.push_back(C::kTag), ...); }(&value);
      const std::string given = tag.is_string() ? tag.get<std::string>() : tag.dump();
      Complain(path, UnknownName("type", given, tags), problems);
    }
  } else {
    static_assert(Visitable<T>, "no JSON form for this type: see the list in options.h");
    if (json.is_null()) return;
    if (!expect(json.is_object(), "a mapping")) return;
    ReadVisitor visitor{json, path, problems};
    value.Visit(visitor);
    ComplainOfUnknownKeys(json, visitor.known, path, problems);
  }
}

namespace options_internal {
template <class T>
constexpr ValueForm FormOf() {
  if constexpr (Kind<T>::kVector || Kind<T>::kArray) {
    return FormOf<typename T::value_type>();
  } else if constexpr (Kind<T>::kOptional) {
    // true, false and unset are three values: no switch
    constexpr ValueForm kForm = FormOf<typename T::value_type>();
    return kForm == ValueForm::kSwitch ? ValueForm::kYaml : kForm;
  } else if constexpr (std::is_same_v<T, bool>) {
    return ValueForm::kSwitch;
  } else if constexpr (std::is_arithmetic_v<T> || FixedEigenVector<T>) {
    return ValueForm::kNumber;
  } else if constexpr (std::is_same_v<T, std::string> || NamedEnum<T>) {
    return ValueForm::kText;
  } else {
    return ValueForm::kYaml;
  }
}

// Collects leaf fields, nested structs flattened.
struct ListVisitor {
  std::vector<FieldInfo> fields = {};
  template <class F, class... Notes>
  void operator()(const char* name, F& field, const char* doc, const Notes&... given) {
    const FieldNotes notes = NotesOf(given...);
    if constexpr (Visitable<F>) {
      for (FieldInfo info : ListFields(field)) {
        info.path = std::string(name) + "." + info.path;
        if (info.effect == Effect::kResults) info.effect = notes.effect;
        fields.push_back(std::move(info));
      }
    } else {
      FieldInfo info{name, ToJson(field), doc, notes.limits};
      info.form = FormOf<F>();
      info.effect = notes.effect;
      info.required = notes.required;
      info.output = notes.output;
      info.unit = UnitOf(doc);
      info.is_list = Kind<F>::kVector || Kind<F>::kArray || FixedEigenVector<F>;
      if constexpr (NamedEnum<F>) {
        info.choices.assign(EnumNames<F>::kNames.begin(), EnumNames<F>::kNames.end());
      }
      fields.push_back(std::move(info));
    }
  }
};
}  // namespace options_internal

template <class T>
std::vector<FieldInfo> ListFields(const T& value) {
  options_internal::ListVisitor lister;
  const_cast<T&>(value).Visit(lister);  // the lister changes nothing
  return lister.fields;
}

}  // namespace understudy
