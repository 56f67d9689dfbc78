#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace understudy::mjcf {

// An element of XML. Values of attributes are kept as they are written, escapes included; comments
// and text between elements are not kept: MJCF has no meaning for them.
struct Element {
  std::string name;
  std::vector<std::pair<std::string, std::string>> attributes;
  std::vector<Element> children;

  // Null where there is none.
  const std::string* Find(std::string_view attribute) const;
  void Set(const std::string& attribute, const std::string& value);
  void Erase(std::string_view attribute);
};

// The element of the whole text; empty where that is no XML, or is nested beyond any model.
std::optional<Element> ParseXml(std::string_view text);
std::string WriteXml(const Element& root);

}  // namespace understudy::mjcf
