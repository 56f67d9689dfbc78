#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace understudy {

// What stands ahead of the numbers of an array in NumPy's file format 1.0, in C order; `type` as
// NumPy writes it ("<f4"). The numbers begin at a multiple of 64 bytes.
std::string NpyHeader(std::string_view type, std::span<const int64_t> shape);

}  // namespace understudy
