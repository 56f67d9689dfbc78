#include "core/spec/listed.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.h"

namespace understudy {

namespace fs = std::filesystem;

std::vector<std::string> ListedNames(const fs::path& root, const char* file) {
  std::vector<std::string> names;
  if (!fs::is_directory(root)) return names;
  for (const auto& entry : fs::directory_iterator(root)) {
    if (fs::exists(entry.path() / file)) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

fs::path FindListed(const char* kind, const std::string& place, const fs::path& root,
                    const char* file) {
  if (fs::is_regular_file(place)) return place;
  if (fs::is_regular_file(fs::path(place) / file)) return fs::path(place) / file;
  const bool is_path = place.find('/') != std::string::npos || place.ends_with(".yaml");
  if (!is_path && fs::exists(root / place / file)) return root / place / file;
  if (is_path) ThrowBadInput(fmt::format("{}: no such {} file", place, kind));
  ThrowUsage(UnknownName(kind, place, ListedNames(root, file)));
}

bool IsBelow(const fs::path& file, const fs::path& root) {
  const fs::path folder = fs::weakly_canonical(root);
  const fs::path found = fs::weakly_canonical(file);
  return std::mismatch(folder.begin(), folder.end(), found.begin(), found.end()).first ==
         folder.end();
}

}  // namespace understudy
