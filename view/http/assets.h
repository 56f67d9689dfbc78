#pragma once

#include <string_view>

namespace understudy {

// A file that stands in the program: a page of view/page, joined from its parts, or a library for
// pages (three.js), compressed with gzip. Empty: there is none of that name.
std::string_view Asset(std::string_view name);

}  // namespace understudy
