#include "core/base/options.h"

#include <fmt/format.h>

#include <functional>

namespace understudy {

namespace options_internal {
namespace {

std::string TypeName(const Json& value) {
  if (value.is_null()) return "nothing";
  if (value.is_object()) return "a mapping";
  if (value.is_array()) return "a list";
  return value.dump();
}

// A float that holds a whole number, or a number that is whole by its type.
bool IsWhole(const Json& number) {
  if (number.is_number_integer()) return true;
  return number.is_number_float() && std::nearbyint(number.get<double>()) == number.get<double>();
}

}  // namespace

void ThrowIfAny(const std::string& name, const Problems& problems) {
  if (!problems.empty()) ThrowBadInput(fmt::format("{}: {}", name, fmt::join(problems, "; ")));
}

void Complain(const std::string& path, const std::string& what, Problems& problems) {
  problems.push_back(fmt::format("{}: {}", path.empty() ? "(top)" : path, what));
}

bool Expect(bool right, const char* what, const Json& json, const std::string& path,
            Problems& problems) {
  if (!right) Complain(path, fmt::format("must be {}, not {}", what, TypeName(json)), problems);
  return right;
}

std::string PathOfKey(const std::string& path, const std::string& key) {
  return path.empty() ? key : path + "." + key;
}

std::string PathOfItem(const std::string& path, size_t item) {
  return fmt::format("{}[{}]", path, item);
}

void ComplainOfSize(const char* items, size_t right, size_t given, const std::string& path,
                    Problems& problems) {
  Complain(path, fmt::format("must have {} {}, not {}", right, items, given), problems);
}

std::optional<double> ReadNumber(const Json& json, bool whole, const std::string& path,
                                 Limits limits, Problems& problems) {
  Json number = json;
  if (json == ".inf") number = std::numeric_limits<double>::infinity();
  if (json == "-.inf") number = -std::numeric_limits<double>::infinity();
  if (json == ".nan") number = std::numeric_limits<double>::quiet_NaN();
  const bool right = number.is_number() && (!whole || IsWhole(number));
  if (!Expect(right, whole ? "a whole number" : "a number", json, path, problems)) return {};
  const double value = number.get<double>();
  if (!(value >= limits.low && value <= limits.high) && !std::isnan(value)) {
    Complain(path, fmt::format("= {} must lie in [{}, {}]", value, limits.low, limits.high),
             problems);
    return {};
  }
  if (std::isnan(value) && std::isfinite(limits.low + limits.high)) {
    Complain(path, "= nan is no number", problems);
    return {};
  }
  return value;
}

std::optional<uint64_t> ReadWhole(const Json& json, int64_t low, uint64_t high,
                                  const std::string& path, Limits limits, Problems& problems) {
  const std::optional<double> number = ReadNumber(json, /*whole=*/true, path, limits, problems);
  if (!number) return {};
  // compared as whole numbers: as doubles, 2^64 - 1 and 2^64 are equal
  const auto holds = [&](int64_t value) {
    return value >= low && (value < 0 || static_cast<uint64_t>(value) <= high);
  };
  // a float stands for a whole number only up to 2^53: above, it may be another one's rounding
  constexpr double kExact = 9007199254740992.0;
  if (json.is_number_unsigned()) {
    if (json.get<uint64_t>() <= high) return json.get<uint64_t>();
  } else if (json.is_number_integer()) {
    if (holds(json.get<int64_t>())) return static_cast<uint64_t>(json.get<int64_t>());
  } else if (std::abs(*number) <= kExact && holds(static_cast<int64_t>(*number))) {
    return static_cast<uint64_t>(static_cast<int64_t>(*number));
  }
  // an infinity is written as a word, and is a number here
  const std::string text = json.is_number() ? json.dump() : Json(*number).dump();
  const bool is_float = !json.is_number_integer();
  Complain(path,
           fmt::format("= {} is out of range: whole numbers from {} to {}{}", text, low, high,
                       is_float ? ", written out where above 2^53" : ""),
           problems);
  return {};
}

std::optional<size_t> ReadChoice(const Json& json, const std::vector<std::string>& names,
                                 const std::string& path, Problems& problems) {
  if (!Expect(json.is_string(), "a word", json, path, problems)) return {};
  const auto found = std::find(names.begin(), names.end(), json.get<std::string>());
  if (found != names.end()) return static_cast<size_t>(found - names.begin());
  Complain(path, UnknownName("choice", json.get<std::string>(), names), problems);
  return {};
}

void ComplainOfUnknownKeys(const Json& object, const std::vector<std::string>& known,
                           const std::string& path, Problems& problems) {
  for (const auto& [key, item] : object.items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    Complain(PathOfKey(path, key), UnknownName("key", key, known), problems);
  }
}

}  // namespace options_internal

std::string UnitOf(const std::string& doc) {
  static const std::array kUnits{"m",     "rad",    "s",    "px",     "Hz",   "m/s", "m/s²",
                                 "rad/s", "N",      "Nm",   "kg",     "MiB",  "ms",  "ns",
                                 "deg",   "rad/s²", "m/s2", "rad/s2", "m/s^3"};
  const std::string first = doc.substr(0, doc.find_first_of(",; "));
  return std::find(kUnits.begin(), kUnits.end(), first) == kUnits.end() ? "" : first;
}

Json ResultOptions(Json options, const std::vector<FieldInfo>& fields) {
  const std::function<void(Json*, const std::string&)> erase = [&](Json* object,
                                                                   const std::string& path) {
    const size_t dot = path.find('.');
    const auto found = object->find(path.substr(0, dot));
    if (found == object->end()) return;
    if (dot != std::string::npos) {
      if (!found->is_object()) return;
      erase(&*found, path.substr(dot + 1));
      if (!found->empty()) return;
    }
    object->erase(found);
  };
  for (const FieldInfo& field : fields) {
    if (field.effect != Effect::kResults) erase(&options, field.path);
  }
  return options;
}

void SetByPath(Json& json, const std::string& path, const Json& value) {
  Json* place = &json;
  size_t start = 0;
  while (true) {
    const size_t dot = path.find('.', start);
    const std::string key = path.substr(start, dot - start);
    if (!place->is_object() || key.empty()) {
      ThrowUsage(fmt::format("--set {}: '{}' is no mapping that could hold '{}'", path,
                             path.substr(0, start > 0 ? start - 1 : 0), key));
    }
    place = &(*place)[key];
    if (dot == std::string::npos) break;
    // a step into nothing makes the mapping that it needs
    if (place->is_null()) *place = Json::object();
    start = dot + 1;
  }
  *place = value;
}

}  // namespace understudy
