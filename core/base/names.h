#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace understudy {

// Place of `name` in `names`; -1: it is not there.
inline int IndexOf(const std::vector<std::string>& names, const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? -1 : static_cast<int>(found - names.begin());
}

}  // namespace understudy
