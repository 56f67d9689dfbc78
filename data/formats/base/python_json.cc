#include "data/formats/base/python_json.h"

#include <string_view>

namespace understudy {

Json ParsePythonJson(const std::string& text, const std::string& place) {
  std::string json;
  json.reserve(text.size());
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') quoted = !quoted;
    if (quoted && c == '\\' && i + 1 < text.size()) json += text[i++];
    bool word = false;
    for (const std::string_view name : {"NaN", "-Infinity", "Infinity"}) {
      if (quoted || word || text.compare(i, name.size(), name) != 0) continue;
      json += "null";
      i += name.size() - 1;
      word = true;
    }
    if (!word) json += text[i];
  }
  return ParseJson(json, place);
}

}  // namespace understudy
