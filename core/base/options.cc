#include "core/base/options.h"

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
