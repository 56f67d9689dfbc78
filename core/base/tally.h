#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace understudy {

// How often each of several things came, such as why draws were rejected.
class Tally {
 public:
  void Add(const std::string& what) { ++counts_[what]; }
  // "of 300 draws 210 hid an object from a camera, 90 touched something"
  std::string Describe(const std::string& of_what) const;

 private:
  std::map<std::string, int64_t> counts_;
};

}  // namespace understudy
