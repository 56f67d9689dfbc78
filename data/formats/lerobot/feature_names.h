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

// A name as a member of an HDF5 group, which takes '/' for a group of its own: "a%2Fb" for "a/b".
// And the name of such a member.
std::string AsMember(const std::string& name);
std::string NameOfMember(const std::string& member);

}  // namespace understudy
