#include "app/outline.h"

#include <algorithm>

namespace understudy {
namespace {

std::string InLine(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

bool HoldsMappings(const Json& list) {
  return list.is_array() &&
         std::any_of(list.begin(), list.end(), [](const Json& item) { return item.is_object(); });
}

}  // namespace

std::string Outline(const Json& json, int indent) {
  const std::string margin(static_cast<size_t>(indent), ' ');
  std::string text;
  if (json.is_array()) {
    for (const Json& item : json) {
      if (!item.is_object() || item.empty()) {
        text += margin + "- " + InLine(item) + "\n";
        continue;
      }
      // a mapping in a list begins behind its dash
      std::string inner = Outline(item, indent + 2);
      inner[static_cast<size_t>(indent)] = '-';
      text += inner;
    }
    return text;
  }
  if (!json.is_object()) return margin + InLine(json) + "\n";
  for (const auto& [key, value] : json.items()) {
    text += margin + key + ":";
    if ((value.is_object() && !value.empty()) || HoldsMappings(value)) {
      text += "\n" + Outline(value, indent + 2);
    } else {
      text += " " + InLine(value) + "\n";
    }
  }
  return text;
}

}  // namespace understudy
