#pragma once

#include <string>

#include "core/base/json.h"

namespace understudy {

// A JSON value for people: "key: value" lines, nested mappings and lists of mappings indented.
std::string Outline(const Json& json, int indent = 0);

}  // namespace understudy
