#pragma once

#include <string>

#include "core/base/json.h"

namespace understudy {

// JSON as Python's json module writes it: NaN, Infinity and -Infinity become null. Throws
// Error(kBadInput) under `place` for what is none.
Json ParsePythonJson(const std::string& text, const std::string& place);

}  // namespace understudy
