#include "data/base/options.h"

namespace understudy {

std::string options_internal::TypeName(const Json& value) {
  if (value.is_null()) return "nothing";
  if (value.is_object()) return "a mapping";
  if (value.is_array()) return "a list";
  return value.dump();
}

void SetByPath(Json& json, const std::string& path, const Json& value) {
  Json* place = &json;
  size_t start = 0;
  while (true) {
    const size_t dot = path.find('.', start);
    const std::string key = path.substr(start, dot - start);
    if (!place->is_object() || !place->contains(key)) {
      std::vector<std::string> known;
      if (place->is_object()) {
        for (const auto& [name, item] : place->items()) known.push_back(name);
      }
      ThrowUsage(fmt::format("--set {}: {}", path, UnknownName("key", key, known)));
    }
    place = &(*place)[key];
    if (dot == std::string::npos) break;
    start = dot + 1;
  }
  *place = value;
}

}  // namespace understudy
