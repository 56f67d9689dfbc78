#include "app/references.h"

#include <regex>

namespace understudy {
namespace {

const std::regex& Reference() {
  static const std::regex reference("\\$\\{([A-Za-z0-9_.:+-]+)\\}");
  return reference;
}

}  // namespace

Json MapStrings(const Json& json, const std::function<std::string(const std::string&)>& change) {
  if (json.is_string()) return change(json.get<std::string>());
  Json mapped = json;
  if (json.is_structured()) {
    for (auto& item : mapped) item = MapStrings(item, change);
  }
  return mapped;
}

std::string ReplaceReferences(const std::string& text,
                              const std::function<std::string(const std::string& name)>& value) {
  std::string result;
  size_t at = 0;
  for (auto it = std::sregex_iterator(text.begin(), text.end(), Reference());
       it != std::sregex_iterator(); ++it) {
    const auto begin = static_cast<size_t>(it->position());
    result += text.substr(at, begin - at) + value((*it)[1].str());
    at = begin + static_cast<size_t>(it->length());
  }
  return result + text.substr(at);
}

std::string WholeReference(const std::string& text) {
  std::smatch match;
  return std::regex_match(text, match, Reference()) ? match[1].str() : "";
}

}  // namespace understudy
