#pragma once

#include <string_view>

namespace understudy {

// Whether `pattern` fits the whole of `name`: * stands for any number of characters, ? for one.
bool GlobMatch(std::string_view pattern, std::string_view name);

}  // namespace understudy
