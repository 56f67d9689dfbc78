#include "core/base/options.h"

#include <functional>

namespace understudy {

std::string options_internal::TypeName(const Json& value) {
  if (value.is_null()) return "nothing";
  if (value.is_object()) return "a mapping";
  if (value.is_array()) return "a list";
  return value.dump();
}

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
