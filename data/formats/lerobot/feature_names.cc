#include "data/formats/lerobot/feature_names.h"

#include <fmt/format.h>

#include <map>
#include <string_view>

namespace understudy {
namespace {

// Texts of a list, of the only list of a mapping ({"motors": […]}), of several lists
// ({"left": ["x"], "right": ["x"]}: "left.x", "right.x") or by place ({"x": 0, "y": 1}), else
// nothing.
std::vector<std::string> NamesOf(const Json& json) {
  std::vector<std::string> names;
  if (json.is_object()) {
    if (json.size() == 1 && json.begin()->is_structured()) return NamesOf(*json.begin());
    std::map<int64_t, std::string> places;
    for (const auto& [key, value] : json.items()) {
      if (value.is_number_integer()) places[value.get<int64_t>()] = key;
      for (const std::string& name : NamesOf(value)) names.push_back(key + "." + name);
    }
    for (const auto& [place, key] : places) names.push_back(key);
    return names;
  }
  if (!json.is_array()) return names;
  for (const Json& item : json) {
    if (!item.is_string()) return {};
    names.push_back(item);
  }
  return names;
}

constexpr std::string_view kSlash = "%2F", kPercent = "%25";

}  // namespace

bool IsDepth(const Json& feature) {
  for (const char* key : {"info", "video_info"}) {
    const auto info = feature.find(key);
    if (info == feature.end() || !info->is_object()) continue;
    for (const char* flag : {"video.is_depth_map", "is_depth_map"}) {
      if (info->contains(flag) && (*info)[flag] == Json(true)) return true;
    }
    const auto format = info->find("video.pix_fmt");
    if (format != info->end() && format->is_string() &&
        format->get<std::string>().starts_with("gray1")) {
      return true;
    }
  }
  const std::vector<std::string> names = NamesOf(feature.value("names", Json()));
  const auto shape = feature.find("shape");
  for (size_t i = 0; shape != feature.end() && shape->is_array() && i < names.size(); ++i) {
    if (names[i].starts_with("channel") && i < shape->size() && (*shape)[i] == Json(1)) return true;
  }
  return false;
}

std::vector<std::string> NamesOfNumbers(const Json& feature, size_t width, const std::string& at,
                                        std::vector<std::string>& notes) {
  const Json json = feature.value("names", Json());
  std::vector<std::string> names = NamesOf(json);
  if (names.size() == width) return names;
  // one name for all is usual, and says nothing of the numbers
  if (!json.is_null() && !json.empty() && names.size() != 1) {
    notes.push_back(fmt::format("{}: {} numbers, and its 'names' are {} texts: they are not used",
                                at, width, names.size()));
  }
  return {};
}

std::string AsMember(const std::string& name) {
  std::string member;
  for (size_t i = 0; i < name.size(); ++i) {
    const std::string_view rest = std::string_view(name).substr(i);
    // what would be taken for one of ours
    const bool escape = rest.starts_with(kSlash) || rest.starts_with(kPercent);
    if (name[i] == '/') {
      member += kSlash;
    } else if (escape) {
      member += kPercent;
    } else {
      member += name[i];
    }
  }
  return member;
}

std::string NameOfMember(const std::string& member) {
  std::string name;
  for (size_t i = 0; i < member.size(); ++i) {
    const std::string_view rest = std::string_view(member).substr(i);
    const bool slash = rest.starts_with(kSlash);
    if (!slash && !rest.starts_with(kPercent)) {
      name += member[i];
      continue;
    }
    name += slash ? '/' : '%';
    i += kSlash.size() - 1;
  }
  return name;
}

}  // namespace understudy
