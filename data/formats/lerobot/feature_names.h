#pragma once

// What the `names` of a feature in info.json say.

#include <string>
#include <vector>

#include "core/base/json.h"

namespace understudy {

// Whether the pictures of a feature have one number per pixel.
bool IsDepth(const Json& feature);

// The names of a feature's numbers, `width` in a row; none where they are not as many, which is a
// note under `at`.
std::vector<std::string> NamesOfNumbers(const Json& feature, size_t width, const std::string& at,
                                        std::vector<std::string>& notes);

}  // namespace understudy
