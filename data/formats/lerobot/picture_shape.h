#pragma once

// Sizes of pictures in the features of info.json.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/json.h"

namespace understudy {

// Width and height that the shape of a feature says, by the names of its dimensions where it has
// them; zero: unknown.
std::pair<int, int> SizeIn(const Json& feature);

// Width and height that a PNG or JPEG file says; zero: it is neither, or cut off before them.
std::pair<int, int> SizeOfPicture(std::string_view file);

// Where a feature says another size than its pictures have, in words; empty: nowhere.
std::string SizeFault(const Json& feature, int width, int height);

// The sizes of the pictures that a copy holds.
class CopiedSizes {
 public:
  explicit CopiedSizes(size_t cameras) : sizes_(cameras), several_(cameras) {}
  void Add(size_t camera, int width, int height);
  // Puts the size into the feature where it says another one and the pictures have one only.
  void Correct(size_t camera, Json* feature) const;

 private:
  std::vector<std::pair<int, int>> sizes_;
  std::vector<bool> several_;
};

}  // namespace understudy
