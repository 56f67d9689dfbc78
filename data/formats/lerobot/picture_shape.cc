#include "data/formats/lerobot/picture_shape.h"

#include <fmt/format.h>

#include <cstdint>
#include <optional>

namespace understudy {
namespace {

constexpr int kMostSide = 8192;
constexpr const char* kInfoKeys[] = {"info", "video_info"};

// Places of height and width in the shape of a feature; unset where it is no picture's.
std::optional<std::pair<size_t, size_t>> PlacesIn(const Json& feature) {
  const auto shape = feature.find("shape");
  if (shape == feature.end() || !shape->is_array() || shape->size() != 3) return std::nullopt;
  const Json names = feature.value("names", Json());
  std::optional<size_t> height, width;
  for (size_t i = 0; names.is_array() && i < names.size() && i < 3; ++i) {
    if (names[i] == "height") height = i;
    if (names[i] == "width") width = i;
  }
  if (height && width) return std::pair(*height, *width);
  const auto is_colours = [&](size_t i) {
    return (*shape)[i] == 1 || (*shape)[i] == 3 || (*shape)[i] == 4;
  };
  if (is_colours(0) && !is_colours(2)) return std::pair<size_t, size_t>(1, 2);
  return std::pair<size_t, size_t>(0, 1);
}

int SideAt(const Json& shape, size_t i) {
  const Json& n = shape[i];
  return n.is_number_integer() && n > 0 && n <= kMostSide ? n.get<int>() : 0;
}

// `count` bytes from `at` on, the largest first.
int NumberAt(std::string_view file, size_t at, size_t count) {
  uint32_t number = 0;
  for (size_t i = 0; i < count; ++i) number = number * 256 + static_cast<uint8_t>(file[at + i]);
  return static_cast<int>(number);
}

}  // namespace

std::pair<int, int> SizeOfPicture(std::string_view file) {
  // 8 bytes of signature, length and type of IHDR, width, height
  constexpr size_t kPngSize = 16;
  if (file.starts_with("\x89PNG") && file.size() >= kPngSize + 8) {
    return {NumberAt(file, kPngSize, 4), NumberAt(file, kPngSize + 4, 4)};
  }
  if (!file.starts_with("\xff\xd8")) return {0, 0};
  // segments of FF, kind, length; one of the frame has precision, height, width
  for (size_t at = 2; at + 9 <= file.size();) {
    const int kind = NumberAt(file, at, 2);
    if (kind == 0xffff) {
      ++at;  // padding
      continue;
    }
    const bool frame =
        kind >= 0xffc0 && kind <= 0xffcf && kind != 0xffc4 && kind != 0xffc8 && kind != 0xffcc;
    if (frame) return {NumberAt(file, at + 7, 2), NumberAt(file, at + 5, 2)};
    if (kind < 0xffc0) break;
    at += 2 + static_cast<size_t>(NumberAt(file, at + 2, 2));
  }
  return {0, 0};
}

std::pair<int, int> SizeIn(const Json& feature) {
  const auto places = PlacesIn(feature);
  if (!places) return {0, 0};
  return {SideAt(feature["shape"], places->second), SideAt(feature["shape"], places->first)};
}

std::string SizeFault(const Json& feature, int width, int height) {
  const std::pair found(width, height), said = SizeIn(feature);
  // the names of dimensions are often in another order than the shape
  const auto in_other_order = [&] {
    const Json& shape = feature["shape"];
    return std::pair(SideAt(shape, 1), SideAt(shape, 0)) == found ||
           std::pair(SideAt(shape, 2), SideAt(shape, 1)) == found;
  };
  if (said.first > 0 && said.second > 0 && said != found && !in_other_order()) {
    return fmt::format("its shape says pictures of {} x {} pixels, they have {} x {}", said.first,
                       said.second, width, height);
  }
  for (const char* key : kInfoKeys) {
    const Json info = feature.value(key, Json());
    if (!info.is_object()) continue;
    for (const auto& [name, side] : {std::pair("video.width", width), {"video.height", height}}) {
      const auto at = info.find(name);
      if (at == info.end() || *at == Json(side)) continue;
      return fmt::format("{} = {}, its pictures have {} x {} pixels", name, at->dump(), width,
                         height);
    }
  }
  return "";
}

void CopiedSizes::Add(size_t camera, int width, int height) {
  const std::pair size(width, height);
  several_[camera] = several_[camera] || (sizes_[camera].first > 0 && sizes_[camera] != size);
  sizes_[camera] = size;
}

void CopiedSizes::Correct(size_t camera, Json* feature) const {
  const auto [width, height] = sizes_[camera];
  if (width == 0 || several_[camera] || SizeFault(*feature, width, height).empty()) return;
  if (const auto places = PlacesIn(*feature)) {
    const std::pair said = SizeIn(*feature);
    if (said != sizes_[camera]) {
      (*feature)["shape"][places->first] = height;
      (*feature)["shape"][places->second] = width;
    }
  }
  for (const char* key : kInfoKeys) {
    if (!feature->contains(key) || !(*feature)[key].is_object()) continue;
    Json& info = (*feature)[key];
    if (info.contains("video.width")) info["video.width"] = width;
    if (info.contains("video.height")) info["video.height"] = height;
  }
}

}  // namespace understudy
