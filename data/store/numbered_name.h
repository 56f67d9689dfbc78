#pragma once

#include <charconv>
#include <compare>
#include <cstdint>
#include <string>

namespace understudy {

// "demo_12" as what stands before the number, the number (-1: none), and all of it. Sorted, demo_2
// comes before demo_12.
struct NumberedName {
  std::string prefix;
  int64_t number = -1;
  std::string name;
  auto operator<=>(const NumberedName&) const = default;
};

inline NumberedName SplitName(const std::string& name) {
  const size_t end = name.find_last_not_of("0123456789") + 1;
  NumberedName split{name.substr(0, end), -1, name};
  const char* last = name.data() + name.size();
  if (std::from_chars(name.data() + end, last, split.number).ec != std::errc()) split.number = -1;
  return split;
}

}  // namespace understudy
